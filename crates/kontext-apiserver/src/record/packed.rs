//! A request of the log in few bytes: most fields are short texts, and most of those are empty.

use jiff::Timestamp;

use super::RequestRecord;

/// A record in one piece of memory.
pub(super) struct Packed {
    time: Timestamp,
    status: u16,
    changed: bool,
    dry_run: bool,
    reset: bool,
    /// The texts in the order of [`texts`], each behind its length; see [`Writer`].
    texts: Box<[u8]>,
}

impl Packed {
    pub(super) fn of(record: &RequestRecord) -> Self {
        let mut texts = Writer(Vec::with_capacity(384));
        for text in [
            &record.user,
            &record.user_agent,
            &record.verb,
            &record.path,
            &record.group,
            &record.resource,
            &record.subresource,
            &record.namespace,
            &record.name,
            &record.field_manager,
            &record.content_type,
            &record.audit_id,
        ] {
            texts.text(text);
        }
        for text in [&record.traceparent, &record.tracestate, &record.baggage] {
            texts.number(usize::from(text.is_some()));
            texts.text(text.as_deref().unwrap_or_default());
        }
        texts.number(record.faults.len());
        record.faults.iter().for_each(|fault| texts.text(fault));
        Self {
            time: record.time,
            status: record.status,
            changed: record.changed,
            dry_run: record.dry_run,
            reset: record.reset,
            texts: texts.0.into(),
        }
    }

    pub(super) fn unpack(&self) -> RequestRecord {
        let mut texts = Reader(&self.texts);
        RequestRecord {
            time: self.time,
            status: self.status,
            changed: self.changed,
            dry_run: self.dry_run,
            reset: self.reset,
            user: texts.text(),
            user_agent: texts.text(),
            verb: texts.text(),
            path: texts.text(),
            group: texts.text(),
            resource: texts.text(),
            subresource: texts.text(),
            namespace: texts.text(),
            name: texts.text(),
            field_manager: texts.text(),
            content_type: texts.text(),
            audit_id: texts.text(),
            traceparent: texts.optional(),
            tracestate: texts.optional(),
            baggage: texts.optional(),
            faults: (0..texts.number()).map(|_| texts.text()).collect(),
        }
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.texts.len()
    }
}

/// Numbers are written seven bits a byte, the lowest first; texts as their length and their bytes.
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }
}

/// Reads what a [`Writer`] wrote.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> usize {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let Some((byte, rest)) = self.0.split_first() else { break };
            self.0 = rest;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    fn text(&mut self) -> String {
        let length = self.number().min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn optional(&mut self) -> Option<String> {
        let there = self.number() == 1;
        let text = self.text();
        there.then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was() {
        let record = RequestRecord {
            time: Timestamp::UNIX_EPOCH,
            user: "alice".to_owned(),
            path: "/".repeat(300),
            name: "nämé\u{0}".to_owned(),
            status: 409,
            changed: true,
            reset: true,
            faults: vec!["delay 1s".to_owned(), String::new()],
            tracestate: Some(String::new()),
            baggage: Some("a=b".to_owned()),
            audit_id: "x".to_owned(),
            ..RequestRecord::default()
        };
        assert_eq!(Packed::of(&record).unpack(), record);
        assert_eq!(Packed::of(&RequestRecord::default()).unpack(), RequestRecord::default());
    }
}
