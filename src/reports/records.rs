//! How the records of a report are packed: in the order of their fields, options and lists only where they are there.

use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::reports::packed::{Pack, Packer, Record, Unpack, Unpacker};
use crate::reports::report::{
    Analysis, AnalysisState, Asset, AssetKind, Component, Finding, Glance, Location, Vulnerability,
};

impl Record for Vulnerability {
    type View<'a> = Vulnerability<&'a str>;
}

impl<T: AsRef<str>> Pack for Vulnerability<T> {
    fn pack(&self, to: &mut Packer<'_>) {
        to.text(&self.key);
        to.text(&self.title);
        to.text(&self.description);
        to.number(self.severity as u32);
        to.some_text(self.remediation.as_ref());
        to.list(&self.ids, Packer::text);
        to.list(&self.cwes, |to, cwe| to.number(*cwe));
        to.some_text(self.cvss2.as_ref());
        to.some_text(self.cvss3.as_ref());
        to.some_text(self.cvss4.as_ref());
        to.option(self.cvss_score, |to, score| to.long(score.to_bits()));
        to.option(self.epss, |to, epss| to.long(epss.to_bits()));
        to.flag(self.known_exploited);
        to.list(&self.references, Packer::text);
    }
}

impl<'a> Unpack<'a> for Vulnerability<&'a str> {
    fn unpack(from: &mut Unpacker<'a>) -> Self {
        Self {
            key: from.text(),
            title: from.text(),
            description: from.text(),
            severity: one_of(&Severity::ALL, from),
            remediation: from.some_text(),
            ids: from.list(Unpacker::text),
            cwes: from.list(Unpacker::number),
            cvss2: from.some_text(),
            cvss3: from.some_text(),
            cvss4: from.some_text(),
            cvss_score: from.option(|from| f64::from_bits(from.long())),
            epss: from.option(|from| f64::from_bits(from.long())),
            known_exploited: from.flag(),
            references: from.list(Unpacker::text),
        }
    }
}

impl<'a> Unpack<'a> for Glance<'a> {
    fn unpack(from: &mut Unpacker<'a>) -> Self {
        let (key, title, description) = (from.text(), from.text(), from.text());
        Self { key, title, description, severity: one_of(&Severity::ALL, from) }
    }
}

impl Record for Asset {
    type View<'a> = Asset<&'a str>;
}

impl<T: AsRef<str>> Pack for Asset<T> {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(self.kind as u32);
        to.text(&self.name);
    }
}

impl<'a> Unpack<'a> for Asset<&'a str> {
    fn unpack(from: &mut Unpacker<'a>) -> Self {
        Self { kind: one_of(&AssetKind::ALL, from), name: from.text() }
    }
}

impl Record for Component {
    type View<'a> = Component<&'a str>;
}

impl<T: AsRef<str>> Pack for Component<T> {
    fn pack(&self, to: &mut Packer<'_>) {
        to.text(&self.name);
        to.some_text(self.version.as_ref());
        to.some_text(self.purl.as_ref());
    }
}

impl<'a> Unpack<'a> for Component<&'a str> {
    fn unpack(from: &mut Unpacker<'a>) -> Self {
        Self { name: from.text(), version: from.some_text(), purl: from.some_text() }
    }
}

impl Record for Finding {
    type View<'a> = Finding<&'a str>;
}

impl<T: AsRef<str>> Pack for Finding<T> {
    fn pack(&self, to: &mut Packer<'_>) {
        to.place(self.vulnerability);
        to.option(self.asset, Packer::place);
        to.option(self.component, Packer::place);
        to.option(self.severity, |to, severity| to.number(severity as u32));
        to.some_text(self.title.as_ref());
        to.some_text(self.description.as_ref());
        self.location.pack(to);
        to.some_text(self.fingerprint.as_ref());
        to.option(self.analysis.as_ref(), |to, analysis| to.number(analysis.state as u32));
        to.some_text(self.analysis.as_ref().and_then(|analysis| analysis.justification.as_ref()));
        to.some_text(self.fixed_version.as_ref());
        to.option(self.found_at, |to, time| to.long(time.as_micros().cast_unsigned()));
        to.list(&self.facts, |to, (name, value)| {
            to.name(name);
            to.text(value);
        });
    }
}

impl<'a> Unpack<'a> for Finding<&'a str> {
    fn unpack(from: &mut Unpacker<'a>) -> Self {
        Self {
            vulnerability: from.place(),
            asset: from.option(Unpacker::place),
            component: from.option(Unpacker::place),
            severity: from.option(|from| one_of(&Severity::ALL, from)),
            title: from.some_text(),
            description: from.some_text(),
            location: Location::unpack(from),
            fingerprint: from.some_text(),
            analysis: analysis(from),
            fixed_version: from.some_text(),
            found_at: from.option(|from| UtcTime::from_micros(from.long().cast_signed())),
            place: None,
            facts: from.list(|from| (from.name(), from.text())),
        }
    }
}

impl<T: AsRef<str>> Pack for Location<T> {
    fn pack(&self, to: &mut Packer<'_>) {
        to.some_text(self.file.as_ref());
        to.option(self.line, Packer::number);
        to.option(self.end_line, Packer::number);
        to.some_text(self.snippet.as_ref());
        to.some_text(self.url.as_ref());
        to.some_text(self.method.as_ref());
        to.some_text(self.parameter.as_ref());
        to.some_text(self.port.as_ref());
        to.some_text(self.resource.as_ref());
    }
}

impl<'a> Unpack<'a> for Location<&'a str> {
    fn unpack(from: &mut Unpacker<'a>) -> Self {
        Self {
            file: from.some_text(),
            line: from.option(Unpacker::number),
            end_line: from.option(Unpacker::number),
            snippet: from.some_text(),
            url: from.some_text(),
            method: from.some_text(),
            parameter: from.some_text(),
            port: from.some_text(),
            resource: from.some_text(),
        }
    }
}

fn analysis<'a>(from: &mut Unpacker<'a>) -> Option<Analysis<&'a str>> {
    let state = from.option(|from| one_of(&AnalysisState::ALL, from));
    let justification = from.some_text();
    state.map(|state| Analysis { state, justification })
}

/// One of the words of an enum, by its number.
fn one_of<V: Copy + Default>(words: &[V], from: &mut Unpacker<'_>) -> V {
    words.get(from.place()).copied().unwrap_or_default()
}
