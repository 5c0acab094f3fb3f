//! Module files of this program as frozen mechanisms: the file's numbers of variables inside, the model's outside.

use super::super::column::Column;
use super::super::conditional::{ConditionalModule, SoftNetwork, digits};
use super::super::generator::GeneratorModule;
use super::super::image::Batch;
use super::super::noise::{Noise, normal};
use super::super::soft::{SoftGenerator, TableHidden};
use super::super::table::{TableMechanism, TableMember, TableModule};
use super::super::{Hidden, Sampler};
use super::network::{classes, logits};
use crate::pretrained::{Choice, Kind, Node, Request};
use candle_core::{Result, Tensor, bail};
use rand_chacha::ChaCha8Rng;

/// A module of a file, and the mechanism that is used.
#[derive(Debug)]
pub struct FileModule {
    module: Module,
    choice: Choice,
}

#[derive(Debug)]
enum Module {
    Conditionals {
        module: ConditionalModule,
        /// The mechanism's network in the first member.
        network: SoftNetwork,
        mechanism: usize,
    },
    Generators {
        module: GeneratorModule,
        network: SoftGenerator,
        mechanism: usize,
    },
}

impl FileModule {
    /// The mechanism of `choice` in a module of neural conditionals.
    pub fn conditionals(module: ConditionalModule, choice: Choice) -> Result<Self> {
        let Some(mechanism) = module.mechanisms.iter().position(|m| m.variable == choice.variable) else {
            bail!("no mechanism of variable {}", choice.variable)
        };
        let Some(network) = module.members.first().and_then(|m| m.networks.get(mechanism)) else {
            bail!("a module without members")
        };
        let network = SoftNetwork::fixed(network)?;
        Ok(Self { module: Module::Conditionals { module, network, mechanism }, choice })
    }

    /// The mechanism of `choice` in a module of generators.
    pub fn generators(module: GeneratorModule, choice: Choice) -> Result<Self> {
        let Some(mechanism) = module.generators.iter().position(|g| g.shape.variable == choice.variable) else {
            bail!("no mechanism of variable {}", choice.variable)
        };
        let network = SoftGenerator::fixed(&module.generators[mechanism])?;
        Ok(Self { module: Module::Generators { module, network, mechanism }, choice })
    }

    /// The whole module.
    pub fn sampler(&self) -> &dyn Sampler {
        match &self.module {
            Module::Conditionals { module, .. } => module,
            Module::Generators { module, .. } => module,
        }
    }

    /// As [`Sampler::noise`].
    pub fn noise(&self, rows: usize, rng: &mut ChaCha8Rng) -> Result<Noise> {
        self.sampler().noise(self.choice.variable, rows, rng)
    }

    /// As [`Sampler::replay`], in the model's order of parents and values.
    pub fn replay(&self, request: &Request, parents: &[&Column], hidden: &Hidden, noise: &Noise) -> Result<Column> {
        let inputs = self.inputs(request, parents);
        let inputs: Vec<&Column> = inputs.iter().collect();
        Ok(match self.sampler().replay(self.choice.variable, &inputs, hidden, noise)? {
            Column::Codes(drawn) => Column::Codes(drawn.into_iter().map(|c| request.variable.code(c)).collect()),
            pixels => pixels,
        })
    }

    /// As [`Sampler::observe`], in the model's order of parents and values.
    pub fn observe(
        &self,
        request: &Request,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &mut Noise,
        value: u32,
    ) -> Result<Vec<f64>> {
        let inputs = self.inputs(request, parents);
        let inputs: Vec<&Column> = inputs.iter().collect();
        self.sampler().observe(self.choice.variable, &inputs, hidden, noise, request.variable.class(value))
    }

    fn inputs(&self, request: &Request, parents: &[&Column]) -> Vec<Column> {
        let input = |&at: &usize| match parents[at] {
            Column::Codes(codes) => Column::Codes(codes.iter().map(|&c| request.parents[at].class(c)).collect()),
            pixels => pixels.clone(),
        };
        self.choice.order.iter().map(input).collect()
    }

    /// As [`super::PretrainedModule::soft`].
    pub fn soft(&self, request: &Request, parents: &[Tensor], rows: usize, rng: &mut ChaCha8Rng) -> Result<Tensor> {
        let inputs = self.choice.order.iter().map(|&at| classes(&parents[at], &request.parents[at]));
        let inputs = inputs.collect::<Result<Vec<Tensor>>>()?;
        let output = match &self.module {
            Module::Conditionals { module, network, mechanism } => {
                let levels = TableHidden::of_first(module, rows, rng);
                let latents = &module.mechanisms[*mechanism].latents;
                let codes = latents.iter().map(|&l| levels.one_hot(l, module.latents[l].levels));
                let codes = codes.collect::<Result<Vec<Tensor>>>()?;
                network.mixed(&inputs.iter().chain(&codes).collect::<Vec<_>>())?
            }
            Module::Generators { module, network, mechanism } => {
                // Its own noise, then that of hidden causes, which nothing else shares.
                let noises = 1 + module.generators[*mechanism].shape.latents.len();
                let noise = normal(rows, noises * module.noise, rng)?;
                let (pictures, codes): (Vec<&Tensor>, Vec<&Tensor>) = inputs.iter().partition(|i| i.rank() == 4);
                let codes: Vec<&Tensor> = [&noise].into_iter().chain(codes).collect();
                let pictures = pictures.into_iter().cloned().collect();
                network.run(&Batch { codes: Some(Tensor::cat(&codes, 1)?), pictures }, |_, _| ())?
            }
        };
        if output.rank() == 4 { Ok(output) } else { logits(&output, &request.variable) }
    }
}

/// The mechanism of `choice` alone, as the table of the model's `variable` and `parents` in the model's values.
pub fn table(
    file: &TableModule,
    choice: &Choice,
    request: &Request,
    variable: usize,
    parents: &[usize],
) -> Option<TableModule> {
    let place = file.mechanisms.iter().position(|m| m.variable == choice.variable)?;
    let old = &file.mechanisms[place];
    let cards = |nodes: &[Node]| {
        let card = |node: &Node| if let Kind::Discrete(card) = node.kind { Some(card) } else { None };
        nodes.iter().map(card).collect::<Option<Vec<usize>>>()
    };
    let (card, parent_cards) = (cards(std::slice::from_ref(&request.variable))?[0], cards(&request.parents)?);
    let latents: Vec<_> = old.latents.iter().map(|&l| file.latents[l].clone()).collect();
    let mechanism = TableMechanism {
        variable,
        card,
        parents: parents.to_vec(),
        parent_cards: parent_cards.clone(),
        latents: (0..latents.len()).collect(),
    };
    let levels: usize = latents.iter().map(|l| l.levels).product();
    let rows = mechanism.rows();
    let fit = |member: &TableMember| {
        let mut values = Vec::with_capacity(rows * levels * card);
        for row in 0..rows {
            let codes = digits(row, &parent_cards);
            let cell = choice
                .order
                .iter()
                .zip(&old.parent_cards)
                .fold(0, |cell, (&at, &card)| cell * card + request.parents[at].class(codes[at] as u32) as usize);
            for level in 0..levels {
                let start = (cell * levels + level) * old.card;
                let class = |code: usize| request.variable.class(code as u32) as usize;
                values.extend((0..card).map(|code| member.tables[place][start + class(code)]));
            }
        }
        let priors = old.latents.iter().map(|&l| member.priors[l].clone()).collect();
        TableMember { priors, tables: vec![values] }
    };
    let (members, replicates) = (file.members.iter().map(fit).collect(), file.replicates.iter().map(fit).collect());
    Some(TableModule { latents, mechanisms: vec![mechanism], members, replicates })
}
