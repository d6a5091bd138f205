//! Every fact of a run and every step of its requests as JSON, one a line.
//!
//! `at_ns` is the time in nanoseconds. A fact says in `fact` what it is; a step of a request has
//! its identity in `request` and what happened in `step`. The other keys are those of
//! [`Observation`] and [`StepKind`](crate::model::observation::step::StepKind). Lengths and
//! instants are in nanoseconds and say so in their key; nodes, calls, clients and faults have the
//! names that they have everywhere.

use std::fmt::Display;
use std::io::{self, Write};

use serde::ser::{Error, Impossible, Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::Follower;
use super::json::{Digits, JsonWriter, quoted};
use super::lines_hot;
use super::names::Names;
use crate::model::observation::Observation;
use crate::model::observation::step::Step;
use crate::scenario::Scenario;
use crate::time::SimTime;

/// Writes lines as things happen.
pub struct Lines<'w> {
    names: Names,
    out: JsonWriter<'w>,
    /// The instant of the last line, and its digits.
    last: (SimTime, Digits),
    /// Facts and steps of which there are many are written faster.
    pub(super) is_hot: bool,
}

impl<'w> Lines<'w> {
    /// Writes the facts of a run of `scenario` to `out`.
    pub fn new(scenario: &Scenario, out: &'w mut dyn Write) -> Self {
        Lines {
            names: Names::new(scenario),
            out: JsonWriter::new(out),
            last: (SimTime::START, Digits::of(0)),
            is_hot: true,
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// The first one of writing.
    pub fn finish(self) -> io::Result<()> {
        self.out.finish()
    }

    /// Opens a line. Many follow each other in one instant.
    #[inline]
    fn open(&mut self, at: SimTime) {
        if self.last.0 != at {
            self.last = (at, Digits::of(at.as_ns()));
        }
        self.out.raw("{\"at_ns\":");
        self.out.padded(&self.last.1.bytes, self.last.1.length);
    }

    #[inline]
    fn close(&mut self) {
        self.out.raw("}\n");
        self.out.end_record();
    }

    fn fields(&mut self, value: &impl Serialize) {
        let fields = Fields {
            names: &self.names,
            out: &mut self.out,
            key: None,
            lead: ",",
            newtype: "",
        };
        value
            .serialize(fields)
            .expect("facts are made of what a line can hold");
    }
}

impl Follower for Lines<'_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.open(at);
        if !self.is_hot || !lines_hot::fact(&mut self.out, &self.names, observation) {
            self.fields(observation);
        }
        self.close();
    }

    fn follow(&mut self, at: SimTime, step: &Step) {
        self.open(at);
        self.out.raw(",\"request\":\"");
        self.out.identity(step.request);
        self.out.raw("\"");
        if !self.is_hot || !lines_hot::step(&mut self.out, &self.names, &step.kind) {
            self.fields(&step.kind);
        }
        self.close();
    }
}

/// Writes values into an object that is open. A key waits for its value, which knows its unit.
struct Fields<'a, 'w> {
    names: &'a Names,
    out: &'a mut JsonWriter<'w>,
    key: Option<&'static str>,
    /// Stands before a key.
    lead: &'static str,
    /// What kind of number comes.
    newtype: &'static str,
}

/// A fact holds something that lines do not: a mistake in this program.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unknown(String);

impl Error for Unknown {
    fn custom<T: Display>(message: T) -> Self {
        Unknown(message.to_string())
    }
}

type Done = Result<(), Unknown>;
type Never = Impossible<(), Unknown>;

impl<'w> Fields<'_, 'w> {
    /// Writes the key that waits, with the unit of its value.
    fn open(&mut self, unit: &str) {
        if let Some(key) = self.key.take() {
            self.out.raw(self.lead);
            self.out.raw("\"");
            self.out.raw(key);
            self.out.raw(unit);
            self.out.raw("\":");
        }
    }

    /// Writes a value that is JSON already.
    fn json(mut self, text: &str) -> Done {
        self.open("");
        self.out.raw(text);
        Ok(())
    }

    fn word(mut self, word: &str) -> Done {
        self.open("");
        self.out.raw("\"");
        self.out.raw(word);
        self.out.raw("\"");
        Ok(())
    }

    /// Indices become names, times get their unit, identities are hexadecimal.
    fn number(mut self, number: u64) -> Done {
        match self.newtype {
            "" => self.open(""),
            "SimTime" | "SimDuration" => self.open("_ns"),
            "Identity" => {
                self.open("");
                self.out.raw("\"");
                self.out.identity(number);
                self.out.raw("\"");
                return Ok(());
            }
            name => {
                let index = usize::try_from(number).expect("an index fits");
                return match self.names.of(name, index) {
                    Some(text) => self.json(text),
                    None => unknown(name),
                };
            }
        }
        self.out.number(number);
        Ok(())
    }

    /// The place of a value inside this one.
    fn inner(&mut self, key: Option<&'static str>, lead: &'static str) -> Fields<'_, 'w> {
        Fields {
            names: self.names,
            out: &mut *self.out,
            key,
            lead,
            newtype: "",
        }
    }
}

fn unknown<T>(what: &str) -> Result<T, Unknown> {
    Err(Unknown(format!("{what} has no place in a line")))
}

impl<'a, 'w> Serializer for Fields<'a, 'w> {
    type Ok = ();
    type Error = Unknown;
    type SerializeSeq = List<'a, 'w>;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Object<'a, 'w>;
    type SerializeStructVariant = Never;

    fn serialize_bool(self, holds: bool) -> Done {
        self.json(if holds { "true" } else { "false" })
    }

    fn serialize_u8(self, number: u8) -> Done {
        self.number(u64::from(number))
    }

    fn serialize_u16(self, number: u16) -> Done {
        self.number(u64::from(number))
    }

    fn serialize_u32(self, number: u32) -> Done {
        self.number(u64::from(number))
    }

    fn serialize_u64(self, number: u64) -> Done {
        self.number(number)
    }

    fn serialize_f64(self, number: f64) -> Done {
        self.json(&serde_json::json!(number).to_string())
    }

    fn serialize_str(self, text: &str) -> Done {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match text.bytes().all(is_plain) {
            true => self.word(text),
            false => self.json(&quoted(text)),
        }
    }

    fn serialize_none(self) -> Done {
        self.json("null")
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.json("null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.word(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Done {
        self.newtype = name;
        value.serialize(self)
    }

    /// Of a choice of what something is, only what it is.
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Done {
        value.serialize(self)
    }

    fn serialize_seq(mut self, _: Option<usize>) -> Result<List<'a, 'w>, Unknown> {
        self.open("");
        self.out.raw("[");
        Ok(List {
            fields: self,
            is_first: true,
        })
    }

    /// A fact stands in the line itself; what is inside one is an object of its own.
    fn serialize_struct(mut self, _: &'static str, _: usize) -> Result<Object<'a, 'w>, Unknown> {
        let is_nested = self.key.is_some() || self.lead.is_empty();
        self.open("");
        Ok(Object {
            lead: if is_nested { "{" } else { "," },
            fields: self,
            is_nested,
        })
    }

    fn serialize_i8(self, _: i8) -> Done {
        unknown("i8")
    }

    fn serialize_i16(self, _: i16) -> Done {
        unknown("i16")
    }

    fn serialize_i32(self, _: i32) -> Done {
        unknown("i32")
    }

    fn serialize_i64(self, _: i64) -> Done {
        unknown("i64")
    }

    fn serialize_f32(self, _: f32) -> Done {
        unknown("f32")
    }

    fn serialize_char(self, _: char) -> Done {
        unknown("a character")
    }

    fn serialize_bytes(self, _: &[u8]) -> Done {
        unknown("bytes")
    }

    fn serialize_unit_struct(self, name: &'static str) -> Done {
        unknown(name)
    }

    fn serialize_tuple(self, _: usize) -> Result<Never, Unknown> {
        unknown("a tuple")
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Never, Unknown> {
        unknown(name)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Never, Unknown> {
        unknown(name)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Never, Unknown> {
        unknown("a map")
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Never, Unknown> {
        unknown(name)
    }
}

/// A list under way.
struct List<'a, 'w> {
    fields: Fields<'a, 'w>,
    is_first: bool,
}

impl SerializeSeq for List<'_, '_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        if !std::mem::take(&mut self.is_first) {
            self.fields.out.raw(",");
        }
        value.serialize(self.fields.inner(None, ""))
    }

    fn end(self) -> Done {
        self.fields.out.raw("]");
        Ok(())
    }
}

/// An object under way: the line itself, or one inside it.
struct Object<'a, 'w> {
    fields: Fields<'a, 'w>,
    lead: &'static str,
    is_nested: bool,
}

impl SerializeStruct for Object<'_, '_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Done {
        let lead = std::mem::replace(&mut self.lead, ",");
        value.serialize(self.fields.inner(Some(key), lead))
    }

    fn end(self) -> Done {
        if self.is_nested {
            self.fields.out.raw("}");
        }
        Ok(())
    }
}
