//! Facts and steps as JSON by way of serde, for those of which there are not so many.

use std::fmt::Display;

use serde::ser::{
    Error, Impossible, Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, Serializer,
};

use super::json::{Bytes, quoted};
use super::names::Names;

/// The kind of a text that names a fact or a step.
const NAME: &str = "name";

/// Writes the fields of a fact or a step behind others, each with a comma before it. Returns what
/// it is called.
pub fn write(bytes: &mut Bytes, names: &Names, value: &impl Serialize) -> String {
    let mut name = String::new();
    let fields = Fields {
        names,
        out: bytes,
        name: &mut name,
        key: None,
        lead: ",",
        newtype: "",
    };
    value
        .serialize(fields)
        .expect("facts are made of what a line can hold");
    name
}

/// Writes values into an object that is open. A key waits for its value, which knows its unit.
struct Fields<'a> {
    names: &'a Names,
    out: &'a mut Bytes,
    /// What the fact or step is called.
    name: &'a mut String,
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

impl Fields<'_> {
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
    fn inner(&mut self, key: Option<&'static str>, lead: &'static str) -> Fields<'_> {
        Fields {
            names: self.names,
            out: &mut *self.out,
            name: &mut *self.name,
            key,
            lead,
            newtype: "",
        }
    }
}

fn unknown<T>(what: &str) -> Result<T, Unknown> {
    Err(Unknown(format!("{what} has no place in a line")))
}

impl<'a> Serializer for Fields<'a> {
    type Ok = ();
    type Error = Unknown;
    type SerializeSeq = List<'a>;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

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
        if self.newtype == NAME {
            self.name.push_str(text);
            return Ok(());
        }
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

    fn serialize_seq(mut self, _: Option<usize>) -> Result<List<'a>, Unknown> {
        self.open("");
        self.out.raw("[");
        Ok(List {
            fields: self,
            is_first: true,
        })
    }

    /// A fact stands in the line itself; what is inside one is an object of its own.
    fn serialize_struct(mut self, _: &'static str, _: usize) -> Result<Object<'a>, Unknown> {
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

    /// As a struct: which variant it is can be seen from its fields.
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        length: usize,
    ) -> Result<Object<'a>, Unknown> {
        self.serialize_struct(name, length)
    }
}

/// A list under way.
struct List<'a> {
    fields: Fields<'a>,
    is_first: bool,
}

impl SerializeSeq for List<'_> {
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
struct Object<'a> {
    fields: Fields<'a>,
    lead: &'static str,
    is_nested: bool,
}

impl SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Done {
        if !self.is_nested && matches!(key, "fact" | "step") {
            let mut name = self.fields.inner(None, "");
            name.newtype = NAME;
            return value.serialize(name);
        }
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

impl SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Done {
        SerializeStruct::serialize_field(self, key, value)
    }

    fn end(self) -> Done {
        SerializeStruct::end(self)
    }
}
