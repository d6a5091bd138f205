//! Which counters facts of servers and caches go to.

use super::recorder::Recorder;
use crate::id::ClassId;
use crate::model::observation::Observation;
use crate::time::SimTime;

impl Recorder<'_> {
    #[inline(always)]
    pub(super) fn observe_server(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Some(cpu) = &mut self.tables.class_cpu {
            cpu.observe(at, observation);
        }
        match *observation {
            Observation::CpuChanged {
                instance,
                cores_used,
                is_throttled,
            } => {
                let (servers, usage) = (&mut self.tables.servers, (cores_used, is_throttled));
                servers.set_cpu(at, self.class, instance, usage);
            }
            Observation::ZombieWorked {
                instance,
                class,
                length,
            } => {
                self.tables.services.waste(self.class, instance, length);
                if class != ClassId::NONE {
                    self.class_work_wasted(class, instance, length);
                }
            }
            Observation::CopyMade { service } => self.tables.replication.complete(at, service),
            Observation::CoresShared { .. } | Observation::CoresFreed { .. } => {}
            _ => unreachable!("facts of servers come here"),
        }
    }

    /// What the load of a class needs, where an expectation asks for it.
    #[inline(always)]
    pub(super) fn observe_class_load(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Some(loads) = &mut self.tables.class_loads {
            loads.observe(at, observation);
        }
    }
}
