//! Module files of this program: which of their mechanisms a variable takes, and which parent is which input.

use super::{Fault, Kind, Node, Request};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// The description of a module, as far as its use by another model needs it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Module {
    /// `tables`, `conditionals`, `generators`, …
    pub kind: String,
    /// The names of its variables; the architecture names them by their places here.
    pub variables: Vec<String>,
    architecture: Architecture,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Architecture {
    #[serde(alias = "generators")]
    mechanisms: Vec<Mechanism>,
    /// Of conditionals: the scales of real variables, by name.
    #[serde(default)]
    reals: BTreeMap<String, IgnoredAny>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Mechanism {
    variable: usize,
    /// Of tables and conditionals: the number of values.
    #[serde(default)]
    card: Option<usize>,
    /// Of generators: the values.
    #[serde(default)]
    kind: Option<Values>,
    #[serde(default)]
    parents: Vec<usize>,
    /// Of tables and conditionals: the parents' numbers of values, 0 for images.
    #[serde(default)]
    parent_cards: Vec<usize>,
    /// Of generators: the parents' values.
    #[serde(default)]
    parent_kinds: Vec<Values>,
    #[serde(default)]
    latents: Vec<usize>,
}

/// The values of a variable in a file.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Values {
    /// So many.
    Codes(usize),
    /// Real numbers; no variable of a model takes them from a file yet.
    Real(IgnoredAny),
    /// Images.
    Image(Size),
}

/// The size of an image; `None` where the file does not say it at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Sides")]
struct Size(Option<[usize; 3]>);

#[derive(Deserialize)]
struct Sides {
    channels: usize,
    height: usize,
    width: usize,
}

impl From<Sides> for Size {
    fn from(sides: Sides) -> Self {
        Self(Some([sides.channels, sides.height, sides.width]))
    }
}

impl Values {
    fn of_card(card: usize) -> Self {
        if card == 0 { Self::Image(Size(None)) } else { Self::Codes(card) }
    }

    /// Whether they are those of a variable.
    fn fit(self, node: &Node) -> bool {
        match (self, &node.kind) {
            (Self::Codes(card), Kind::Discrete(_)) => card == node.classes,
            (Self::Image(Size(shape)), Kind::Image(wanted)) => shape.is_none_or(|shape| shape == *wanted),
            _ => false,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Codes(card) => format!("{card} values"),
            Self::Real(_) => "a real number".to_owned(),
            Self::Image(Size(None)) => "an image".to_owned(),
            Self::Image(Size(Some([c, h, w]))) => format!("image[{c},{h},{w}]"),
        }
    }
}

/// A mechanism of a module, and how it fits a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The variable's place among [`Module::variables`].
    pub variable: usize,
    /// Per input of the mechanism, in the file's order, the place of its parent in [`Request::parents`].
    pub order: Vec<usize>,
}

/// More inputs than this are not matched by trying.
const MOST_TRIED: usize = 8;

impl Module {
    /// The description in a header's entry.
    ///
    /// # Errors
    /// E0605 where it is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|e| {
            Fault::file("the file's description of its module cannot be read".into())
                .note(e.to_string())
                .note("module files of this program have it under `dcmc` in their header; an encoder or a critic is no mechanism")
        })
    }

    /// The mechanism that the variable takes, and which parent is which of its inputs.
    ///
    /// # Errors
    /// E0603, E0604 or E0605 where none fits.
    pub fn choose(&self, request: &Request) -> Result<Choice, Fault> {
        let mechanism = self.mechanism(request)?;
        self.output_fits(mechanism, &request.variable)?;
        let order = self.order(mechanism, request)?;
        Ok(Choice { variable: mechanism.variable, order })
    }

    fn name(&self, place: usize) -> &str {
        self.variables.get(place).map_or("?", String::as_str)
    }

    /// The only mechanism, or the one of the variable's name; without a hidden cause.
    fn mechanism(&self, request: &Request) -> Result<&Mechanism, Fault> {
        let name = &request.variable.name;
        let all = &self.architecture.mechanisms;
        let found = match &all[..] {
            [only] => Some(only),
            _ => all.iter().find(|m| self.name(m.variable) == name),
        };
        let found = found.ok_or_else(|| {
            Fault::file(format!("the file has no mechanism of `{name}`"))
                .note(format!("it has mechanisms of {}", self.list(all.iter().map(|m| m.variable))))
                .help("of a file with several mechanisms a variable takes the one of its own name")
        })?;
        let other = |latent: &usize| {
            let shares = |m: &&Mechanism| m.variable != found.variable && m.latents.contains(latent);
            all.iter().find(shares).map(|m| m.variable)
        };
        match found.latents.iter().find_map(other) {
            None => Ok(found),
            Some(other) => Err(Fault::file(format!(
                "the file's `{}` shares a hidden cause with `{}`, so that it cannot be taken alone",
                self.name(found.variable),
                self.name(other)
            ))
            .help("train both again in this model, with the hidden cause between them")),
        }
    }

    fn list(&self, places: impl Iterator<Item = usize>) -> String {
        let names: Vec<String> = places.map(|p| format!("`{}`", self.name(p))).collect();
        if names.is_empty() { "nothing".into() } else { names.join(", ") }
    }

    fn output_fits(&self, mechanism: &Mechanism, variable: &Node) -> Result<(), Fault> {
        let file = self.name(mechanism.variable);
        let values = mechanism.kind.or(mechanism.card.map(|card| self.values(mechanism.variable, card)));
        if values.is_some_and(|values| values.fit(variable)) {
            return Ok(());
        }
        let gives = values.map_or("no values".to_owned(), Values::text);
        Err(Fault::output(format!("the file does not give the values of `{}`", variable.name))
            .note(format!("the file's `{file}` has {gives}; the model has {}", variable.text())))
    }

    /// What a variable of tables or conditionals with this card is.
    fn values(&self, variable: usize, card: usize) -> Values {
        let real = self.architecture.reals.contains_key(self.name(variable));
        if real { Values::Real(IgnoredAny) } else { Values::of_card(card) }
    }

    /// The inputs of `mechanism` with their values.
    fn inputs(&self, mechanism: &Mechanism) -> Vec<(&str, Values)> {
        let cards = mechanism.parents.iter().zip(&mechanism.parent_cards).map(|(&p, &card)| self.values(p, card));
        let values: Vec<Values> = mechanism.parent_kinds.iter().copied().chain(cards).collect();
        let value = |at: usize| values.get(at).copied().unwrap_or(Values::of_card(0));
        mechanism.parents.iter().enumerate().map(|(at, &p)| (self.name(p), value(at))).collect()
    }

    /// By `inputs`, else by name, else in the only order that fits.
    fn order(&self, mechanism: &Mechanism, request: &Request) -> Result<Vec<usize>, Fault> {
        let inputs = self.inputs(mechanism);
        let parents = &request.parents;
        let wrong = |title: String| {
            let takes: Vec<String> =
                inputs.iter().map(|(name, values)| format!("{name} ({})", values.text())).collect();
            let model: Vec<String> = parents.iter().map(Node::text).collect();
            let or_none = |list: &[String]| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
            Fault::inputs(title)
                .note(format!("the file's `{}` reads {}", self.name(mechanism.variable), or_none(&takes)))
                .note(format!("the parents of `{}` are {}", request.variable.name, or_none(&model)))
        };
        if inputs.len() != parents.len() {
            let title = format!("the file has {} inputs for {} parents", inputs.len(), parents.len());
            return Err(wrong(title).help("change the edges to those that the file has"));
        }
        let fits = |input: usize, parent: usize| inputs[input].1.fit(&parents[parent]);
        let checked = |order: Vec<usize>| match (0..order.len()).find(|&at| !fits(at, order[at])) {
            None => Ok(order),
            Some(at) => Err(wrong(format!(
                "the file's input `{}` does not take the values of `{}`",
                inputs[at].0, parents[order[at]].name
            ))
            .help("`labels` and `classes` say which of the file's classes a value is")),
        };
        if let Some(order) = &request.inputs {
            return checked(order.clone());
        }
        let named = inputs.iter().map(|(name, _)| parents.iter().position(|p| p.name == *name));
        if let Some(order) = named.collect::<Option<Vec<usize>>>() {
            return checked(order);
        }
        let mut found = vec![];
        if inputs.len() <= MOST_TRIED {
            orders(inputs.len(), &fits, &mut vec![], &mut found);
        }
        match &mut found[..] {
            [only] => Ok(std::mem::take(only)),
            [] => Err(wrong("the parents do not fit the file's inputs in any order".into())),
            _ => Err(wrong("which parent is which of the file's inputs?".into())
                .help("write the parents in the order of the file's inputs: `inputs: […]`")),
        }
    }
}

/// Orders in which each input fits its parent; two are enough to know that there is not only one.
fn orders(count: usize, fits: &dyn Fn(usize, usize) -> bool, order: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    if order.len() == count {
        found.push(order.clone());
        return;
    }
    for parent in 0..count {
        if found.len() < 2 && !order.contains(&parent) && fits(order.len(), parent) {
            order.push(parent);
            orders(count, fits, order, found);
            order.pop();
        }
    }
}
