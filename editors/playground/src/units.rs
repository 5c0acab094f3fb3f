//! Places as a page counts them: UTF-16 units from the start of the text.

/// Turns bytes of a text into UTF-16 units; quick for places in their order.
pub struct Units<'a> {
    text: &'a str,
    byte: usize,
    unit: usize,
}

impl<'a> Units<'a> {
    /// Of a text.
    pub fn of(text: &'a str) -> Self {
        Self { text, byte: 0, unit: 0 }
    }

    /// The unit of a byte; of one inside a character, that character's. Beyond the end, the end.
    pub fn at(&mut self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        if byte < self.byte {
            (self.byte, self.unit) = (0, 0);
        }
        let passed = self.text.get(self.byte..byte).unwrap_or_default();
        self.unit += passed.encode_utf16().count();
        self.byte = byte;
        self.unit
    }
}

#[cfg(test)]
mod tests {
    use super::Units;

    #[test]
    fn units_are_those_of_utf_16() {
        let text = "É→𝒳 b";
        let mut units = Units::of(text);
        let expected = |byte: usize| text[..byte].encode_utf16().count();
        for (byte, _) in text.char_indices().chain([(text.len(), ' ')]) {
            assert_eq!(units.at(byte), expected(byte), "{byte}");
        }
        assert_eq!((units.at(1), units.at(3), units.at(99)), (0, 1, 6));
    }
}
