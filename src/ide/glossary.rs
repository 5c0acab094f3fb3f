//! What the words and signs of the language mean, in a sentence.

use super::context::context;
use super::{Analysis, Colour, paint};
use crate::diag::Span;

/// Words and signs with what they mean; those of settings stand for themselves wherever they are.
const MEANINGS: [(&str, &str); 92] = [
    // Statements
    ("dcm", "The edition of the language and a title, in the first line: `dcm 1 \"Smoking\"`."),
    (
        "import",
        "Brings in variables, edges, types, data sets and equations of another file: `import \"lab.scm\" as lab`.",
    ),
    ("latent", "A hidden cause of several variables: `latent U -> {A, B, C}`. Of two, `A <-> B` says the same."),
    (
        "data",
        "A data set: a file, or rows drawn from the truth block; `do(X)` behind it says what was set when it was collected.",
    ),
    ("truth", "The model's own ground truth: what rows are drawn from and answers are compared with."),
    (
        "train",
        "Settings of training, for all modules or, as `train {A, B} { … }`, for those that hold these variables.",
    ),
    ("query", "A question: `query effect: P(Y | do(X = 1))`."),
    ("output", "Writes the answer to a query into a file."),
    ("expect", "Checked after a run, which fails where it does not hold."),
    ("assert", "Decided from the graph alone when the file is checked."),
    // Inside statements
    (
        "do",
        "Sets a variable, whatever its causes: what would be if everybody had this value. Beside a data set: what was set there.",
    ),
    ("as", "The prefix of the names that an import brings in."),
    ("simulate", "Rows drawn from the truth block: `simulate(truth, n: 20000, seed: 1)`."),
    ("pretrained", "A frozen mechanism from a file: a module of an earlier run, PyTorch weights or ONNX."),
    ("sample", "Rows drawn from the trained model, images among them."),
    ("identifiable", "Whether the data sets determine the answer."),
    ("independent", "Whether the graph implies it, by m-separation: `independent(X, Y | Z)`."),
    ("table", "One row of probabilities for each combination of values."),
    ("if", "`if A == 1 then … else …`"),
    ("then", "`if A == 1 then … else …`"),
    ("else", "What holds otherwise; in a table, of every row that is not listed."),
    ("and", "Both hold."),
    ("or", "One holds, or both."),
    ("xor", "One holds, not both."),
    ("not", "It does not hold."),
    ("vs", "The value that is compared with: `ATE(Y, X = 1 vs 0)`."),
    ("abs", "The absolute value."),
    (
        "tv",
        "Total variation distance, the largest over the rows of a table: 0 where two distributions agree, 1 at most.",
    ),
    ("kl", "Kullback-Leibler divergence, in nats."),
    // Forms of queries
    ("P", "A probability, or with bare names a distribution: `P(Y | do(X = 1), Z)`."),
    ("E", "A mean: `E[Y | do(X = 1)]`."),
    ("ATE", "The average effect: `E[Y | do(X = 1)] - E[Y | do(X = 0)]`."),
    ("ETT", "The effect on the treated: what it did to those who had it."),
    ("NDE", "The natural direct effect: the mediators stay as they would have been without the change."),
    ("NIE", "The natural indirect effect: only the mediators change."),
    ("PN", "The probability of necessity: of those who had `X` and `Y`, how many would not have had `Y` without `X`."),
    ("PS", "The probability of sufficiency: of those who had neither, how many would have had `Y` with `X`."),
    // Types
    ("binary", "0 or 1."),
    ("int", "A whole number, both ends included: `int[0..9]`."),
    ("real", "A real number; `real[0..1]` is never outside these bounds."),
    ("categorical", "One of some labels: `categorical {red, green}`; `categorical[3]` has the labels 0, 1 and 2."),
    ("vector", "Numbers side by side: `vector[64]`."),
    ("image", "A picture: channels, height and width, `image[3,32,32]`."),
    // Signs
    ("->", "Causes: what stands on the left acts on what stands on the right."),
    ("→", "Causes: what stands on the left acts on what stands on the right."),
    ("<-", "Is caused by: what stands on the right acts on what stands on the left."),
    ("←", "Is caused by: what stands on the right acts on what stands on the left."),
    ("<->", "A hidden common cause of both."),
    ("↔", "A hidden common cause of both."),
    ("~", "Draws a variable from a distribution."),
    ("|", "Given: what is set by `do` or known stands behind it."),
    // Settings of data sets
    (
        "columns",
        "Which variables the data set observes, and what their columns are called: `columns: { A: \"col_a\", B }`.",
    ),
    ("images", "Where the pictures of a variable are."),
    ("where", "Takes only rows that meet a condition."),
    ("weight", "A column that says how many times a row counts."),
    ("role", "`test`: never trains, only compares."),
    ("n", "How many rows."),
    ("seed", "The beginning of the random numbers: the same seed, the same numbers."),
    ("folder", "The folder that the names of files are relative to."),
    ("resize", "Scales pictures to the variable's type."),
    ("convert", "Makes grey pictures coloured, or coloured ones grey, as the type has them."),
    ("array", "Which array of the file."),
    // Settings of variables
    ("mechanism", "How the variable is made from its causes: `mlp`, `diffusion` or `pretrained`."),
    ("encode", "A low-dimensional stand-in for a picture before critics that do not draw it."),
    ("file", "The file, relative to the model file."),
    ("inputs", "The parents in the order of the file's inputs."),
    ("sha256", "The file must have this digest."),
    ("classes", "How many classes the file has for a variable."),
    ("labels", "The file's class of each value of a variable."),
    ("layers", "The layers of a file that holds weights alone."),
    // Settings of training
    (
        "engine",
        "How modules are trained: `auto` (by likelihood wherever that applies), `likelihood` or `wgan_gp` (adversarial, as in the paper).",
    ),
    ("epochs", "How many times training goes through the rows."),
    ("steps", "How many steps training takes."),
    ("batch", "How many rows a step sees."),
    ("lr", "The learning rate."),
    ("device", "`auto`, `cpu`, `cuda` or `metal`."),
    ("hidden", "The sizes of the hidden layers: `[256, 256]`."),
    ("noise", "How many random numbers a generator reads."),
    ("lambda", "The weight of the gradient penalty."),
    ("critic_steps", "Steps of the critic for each of the generator."),
    ("pac", "How many rows the critic sees at once."),
    ("dropout", "The share of a critic's units that are left out."),
    ("width", "Channels of networks on pictures where these are largest."),
    ("levels", "How many values a hidden cause has; by default chosen on held-out rows."),
    ("restarts", "How often the fit begins anew from other values."),
    ("bootstrap", "Refits on rows drawn again, behind the intervals of summed answers."),
    ("ensemble", "Refits of the whole plan, behind the intervals of sampled answers."),
    ("samples", "Samples for an answer that cannot be summed."),
    ("modular", "`false` trains every mechanism at once, as a baseline."),
    ("image_memory", "MiB that the pictures of a variable may take in memory."),
    ("likelihood", "Fits each module by maximum likelihood."),
    ("wgan_gp", "Trains each module against a critic, with a gradient penalty."),
];

/// What the word or sign at a byte means, where it is one of the language.
pub(super) fn meaning(analysis: &Analysis, at: usize) -> Option<(Span, String)> {
    let colours = [Colour::Keyword, Colour::Type, Colour::Setting, Colour::Operator];
    let here = |w: &super::Painted| w.span.start <= at && at <= w.span.end && colours.contains(&w.colour);
    // Behind a word and before a sign both touch the place: the word counts.
    let word = paint(analysis).into_iter().filter(here).min_by_key(|w| w.colour == Colour::Operator)?;
    let text = analysis.text().get(word.span.start..word.span.end)?;
    // The arrow of an output and the numbers of a generator are other things with these names.
    let statement = context(analysis.text(), word.span.start).and_then(|c| c.levels.first()?.tokens.first().copied());
    if (statement, text) == (Some("output"), "->") || (word.colour, text) == (Colour::Setting, "latent") {
        return None;
    }
    let (_, meaning) = MEANINGS.iter().find(|(known, _)| *known == text)?;
    Some((word.span, format!("`{text}`\n\n{meaning}")))
}

#[cfg(test)]
mod tests {
    use super::MEANINGS;
    use crate::syntax::words;

    #[test]
    fn every_word_of_the_grammar_has_a_meaning_and_only_one() {
        let all = words::STATEMENTS.into_iter().chain(words::CLAUSES).chain(words::OPERATORS).chain(words::FORMS);
        for word in all.chain(words::DISTANCES).chain(words::TYPES) {
            assert!(MEANINGS.iter().any(|(known, _)| *known == word), "{word}");
        }
        for (at, (word, _)) in MEANINGS.iter().enumerate() {
            assert!(MEANINGS[..at].iter().all(|(earlier, _)| earlier != word), "{word} is there twice");
        }
    }
}
