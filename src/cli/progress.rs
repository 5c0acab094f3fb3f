use crate::train::*;
pub struct ModuleInfo; impl ModuleInfo { pub fn new(_:&str,_:&[String],_:crate::model::Engine)->Self{Self} }
pub enum Mode{Auto,Quiet}
pub struct Progress(std::sync::Mutex<Vec<Metric>>);
impl Progress{ pub fn new(_:Vec<ModuleInfo>,_:Mode,_:std::sync::Arc<std::sync::atomic::AtomicBool>)->Self{Self(Default::default())} pub fn finish(self)->Vec<Metric>{self.0.into_inner().unwrap()} }
impl Observer for Progress { fn metric(&self,m:&Metric){ self.0.lock().unwrap().push(m.clone()) } }
