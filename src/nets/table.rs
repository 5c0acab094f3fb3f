//! Mechanisms of discrete variables as conditional probability tables with hidden causes.

/// The mechanisms of a module as tables.
#[derive(Clone, Debug, PartialEq)]
pub struct TableModule {
    /// The hidden causes that act on the module's variables.
    pub latents: Vec<TableLatent>,
    /// One mechanism per variable of the module.
    pub mechanisms: Vec<TableMechanism>,
    /// The near-best fits that answers are averaged over.
    pub members: Vec<TableMember>,
    /// Refits on resampled rows: their spread is the uncertainty of an answer.
    pub replicates: Vec<TableMember>,
}

/// A hidden cause with finitely many values.
#[derive(Clone, Debug, PartialEq)]
pub struct TableLatent {
    /// Its number among the model's latents.
    pub latent: usize,
    /// The number of its values.
    pub levels: usize,
}

/// The shape of a mechanism `P(variable | parents, latents)`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMechanism {
    /// The variable.
    pub variable: usize,
    /// The number of its values.
    pub card: usize,
    /// Its observed parents, ascending.
    pub parents: Vec<usize>,
    /// Their numbers of values.
    pub parent_cards: Vec<usize>,
    /// The hidden causes that act on it, as places in [`TableModule::latents`].
    pub latents: Vec<usize>,
}

/// One fit of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMember {
    /// `P(u)` of each latent.
    pub priors: Vec<Vec<f64>>,
    /// Per mechanism a row-major table `[parents…, latents…, value]`, each row of values summing to one.
    pub tables: Vec<Vec<f64>>,
}

impl TableMechanism {
    /// The number of joint values of the observed parents.
    pub fn rows(&self) -> usize {
        self.parent_cards.iter().product()
    }
}
