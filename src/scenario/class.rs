//! What a scenario may say about classes of requests.

use super::client::KeyConfig;
use super::distribution::Distribution;
use super::size::SizeLaw;
use crate::id::{ClassId, ClientId, ServiceId};
use crate::time::SimDuration;

/// Most classes of all clients together: a class is told in one byte, and 0 is none.
pub const CLASS_COUNT_MAX: usize = 255;

/// `[client.shop.class.checkout]`: a share of the requests of a client that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassConfig {
    /// Its client.
    pub client: ClientId,
    /// `shop.checkout`; empty for [`ClassId::NONE`].
    pub path: String,
    /// Share of the client's requests, above 0; the shares of a client sum to 1.
    pub share: f64,
    /// Law of the service demand at the one service that the client calls itself, or through
    /// proxies. None: that of the service.
    pub service_time: Option<(ServiceId, Distribution)>,
    /// Law of the part of it that needs no core, at the same service.
    pub wait_time: Option<Distribution>,
    /// Which keys its requests carry. None: those of the client.
    pub keys: Option<KeyConfig>,
    /// Law of the time from its arrival after which the outcome of a request is useless.
    pub deadline: Option<Distribution>,
    /// Who comes first where priorities count: 0 before 1, and so on.
    pub priority: u8,
    /// Whether a request may be done twice, so that it may be tried again after it was sent.
    pub is_idempotent: bool,
    /// Law of the bytes of a request, also of those that services send for it.
    pub request_size: Option<SizeLaw>,
    /// Law of the bytes of a good reply.
    pub reply_size: Option<SizeLaw>,
}

impl ClassConfig {
    /// The class of requests whose client has no classes.
    fn none() -> Self {
        ClassConfig {
            client: ClientId(0),
            path: String::new(),
            share: 1.0,
            service_time: None,
            wait_time: None,
            keys: None,
            deadline: None,
            priority: 0,
            is_idempotent: true,
            request_size: None,
            reply_size: None,
        }
    }

    /// Mean time that a worker of speed 1 needs for a request of the class at the service where it
    /// has its own law.
    pub fn mean_service_secs(&self) -> Option<f64> {
        let (_, law) = self.service_time.as_ref()?;
        let wait_secs = self.wait_time.as_ref().map_or(0.0, Distribution::mean_secs);
        Some(law.mean_secs() + wait_secs)
    }

    /// Whether its messages have a size.
    pub fn has_size(&self) -> bool {
        self.request_size.is_some() || self.reply_size.is_some()
    }
}

/// The classes of a scenario, in order of client and name; [`ClassId::NONE`] comes first.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes(Vec<ClassConfig>);

impl Classes {
    /// The classes of a scenario: at most [`CLASS_COUNT_MAX`], in order of their client.
    ///
    /// # Panics
    ///
    /// If there are more, or their order is another.
    pub fn new(classes: Vec<ClassConfig>) -> Self {
        assert!(classes.len() <= CLASS_COUNT_MAX, "a class fits in a byte");
        assert!(classes.is_sorted_by_key(|class| class.client));
        let mut list = vec![ClassConfig::none()];
        list.extend(classes);
        Classes(list)
    }

    /// What is said of a class.
    #[inline]
    pub fn get(&self, class: ClassId) -> &ClassConfig {
        &self.0[class.index()]
    }

    /// How many there are, [`ClassId::NONE`] included.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether no client has classes.
    pub fn is_empty(&self) -> bool {
        self.count() == 1
    }

    /// The classes of all clients.
    pub fn ids(&self) -> impl Iterator<Item = ClassId> + use<> {
        let count = u8::try_from(self.count() - 1).expect("a class fits in a byte");
        (1..=count).map(ClassId)
    }

    /// The longest time that a request of a client may take by the deadline of its class;
    /// [`SimDuration::MAX`] where a class has none or a random one.
    pub fn deadline_max(&self, client: ClientId) -> SimDuration {
        let deadlines = self.of(client).map(|class| {
            let law = self.get(class).deadline.as_ref();
            law.and_then(Distribution::as_constant)
        });
        deadlines
            .map(|deadline| deadline.unwrap_or(SimDuration::MAX))
            .max()
            .unwrap_or(SimDuration::MAX)
    }

    /// The classes of one client; none if it has no classes.
    pub fn of(&self, client: ClientId) -> impl Iterator<Item = ClassId> + '_ {
        self.ids().filter(move |id| self.get(*id).client == client)
    }
}

impl Default for Classes {
    fn default() -> Self {
        Classes::new(Vec::new())
    }
}
