//! The transaction of an import, for one report: from the difference to the rows.

use std::time::Instant;

use diesel::QueryResult;

use super::diff::{self, Diff, Known, Matched};
use super::fingerprint::{Print, PrintMap};
use super::ledger::{Ledger, Touched};
use super::model::{Scan, ScanCounts, ScanOutcome, ScanSource, UploadSettings};
use super::prepare::{self, Prepared, Target};
use super::repo::{self, NewestScan};
use super::rows::{self, RowMaker, SharedRows};
use crate::base::ids::{ObservationId, OrganizationId, ScanId, UploadId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::observations;
use crate::observations::apply::{self, Rewrite, Standing};
use crate::observations::status;

/// New observations that are made and inserted at a time: bounds the memory of a large first import.
const BATCH: usize = 5000;
/// A scan that misses at least this many, and more than half, of what was present is not believed by itself.
const MASS_DISAPPEARANCE: usize = 50;

/// What the reports of one upload have in common.
#[derive(Debug, Clone)]
pub struct Order {
    /// What it is for.
    pub target: Target,
    /// The upload.
    pub upload: UploadId,
    /// What was asked for with it.
    pub settings: UploadSettings,
    /// Of the file and the settings.
    pub report_hash: Vec<u8>,
    /// The format.
    pub format: &'static str,
    /// When it came.
    pub received_at: UtcTime,
    /// When it came, by the clock that only measures.
    pub received: Instant,
}

impl Order {
    /// The time now: that of the receipt, and what has passed since.
    #[must_use]
    pub fn now(&self) -> UtcTime {
        self.received_at.plus(self.received.elapsed())
    }
}

/// What is known of a report's source, and how the report differs. Read without a lock: [`commit`] checks that the
/// source is still where it was.
#[derive(Debug)]
pub struct Compared {
    sequence: i64,
    ids: Vec<ObservationId>,
    diff: Diff,
    present: usize,
    /// Deleted observations by print: what comes back gets its id, and so its ticket, back.
    tombstones: PrintMap<ObservationId>,
}

impl Compared {
    /// What the import would count.
    #[must_use]
    pub fn counts(&self) -> ScanCounts {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        ScanCounts {
            observations_new: number(self.diff.new.len()),
            observations_updated: number(self.diff.updated.len()),
            observations_unchanged: number(self.diff.unchanged),
            observations_reopened: number(self.diff.reopened.len()),
            observations_resolved: number(self.diff.gone.len()),
        }
    }

    fn is_mass_disappearance(&self) -> bool {
        let gone = self.diff.gone.len();
        gone >= MASS_DISAPPEARANCE && gone * 2 > self.present
    }
}

/// Reads what is known of a report's source and compares.
pub fn compare(conn: &mut Conn, organization: OrganizationId, prepared: &Prepared) -> QueryResult<Compared> {
    let source = repo::find_source(conn, organization, &prepared.source)?;
    let (ids, known) = match &source {
        Some(source) => repo::known(conn, organization, source.id)?,
        None => (Vec::new(), Vec::new()),
    };
    let tombstones = match &source {
        Some(source) => repo::tombstones(conn, organization, source.id)?,
        None => Vec::new(),
    };
    Ok(Compared {
        sequence: source.map_or(0, |source| source.latest_sequence),
        present: known.iter().filter(|known: &&Known| known.is_present).count(),
        diff: diff::compare(&known, &prepared.prints, prepared.terms),
        ids,
        tombstones: tombstones.into_iter().collect(),
    })
}

/// What a commit wrote.
#[derive(Debug)]
pub struct Written {
    /// The scan.
    pub scan: Scan,
    /// What changed.
    pub touched: Touched,
    /// The ticket closes of a mass disappearance wait.
    pub closes_held: bool,
    /// The ticket closes that waited need not any more: this scan agrees.
    pub closes_released: bool,
}

/// Writes one report into its source. `None`: another import of the source came first; compare again.
pub fn commit(
    conn: &mut Conn,
    order: &Order,
    prepared: &Prepared,
    compared: &Compared,
    now: UtcTime,
) -> QueryResult<Option<Written>> {
    let organization = order.target.organization;
    let source = repo::lock_source(conn, organization, &prepared.source, now)?;
    if source.latest_sequence != compared.sequence {
        return Ok(None);
    }
    if source.latest_scan_at.is_some_and(|latest| prepared.scanned_at < latest) {
        let scan = scan_row(order, prepared, &source, ScanOutcome::Outdated, ScanCounts::default(), now);
        repo::insert_scan(conn, &scan)?;
        return Ok(Some(Written { scan, touched: Touched::default(), closes_held: false, closes_released: false }));
    }
    let mut writing =
        Writing { conn, order, prepared, compared, source: &source, now, ledger: Ledger::new(organization, now) };
    writing.insert_new()?;
    writing.rewrite_matched()?;
    writing.mark_gone()?;
    writing.finish().map(Some)
}

struct Writing<'a> {
    conn: &'a mut Conn,
    order: &'a Order,
    prepared: &'a Prepared,
    compared: &'a Compared,
    source: &'a ScanSource,
    now: UtcTime,
    ledger: Ledger,
}

impl<'a> Writing<'a> {
    fn organization(&self) -> OrganizationId {
        self.order.target.organization
    }

    fn insert_new(&mut self) -> QueryResult<()> {
        let new = &self.compared.diff.new;
        let organization = self.organization();
        let findings = new.iter().map(|(index, _)| *index);
        let shared = SharedRows::resolve(self.conn, organization, self.prepared, findings, self.now)?;
        let maker = self.maker(&shared);
        let mut returned = Vec::new();
        for batch in new.chunks(BATCH) {
            let (mut rows, mut details) = (Vec::with_capacity(batch.len()), Vec::new());
            for (index, print) in batch {
                let tombstone = self.compared.tombstones.get(print).copied();
                let id = tombstone.unwrap_or_else(ObservationId::generate);
                returned.extend(tombstone);
                let row = maker.observation(*index, id, *print)?;
                self.ledger.add(&row);
                rows.push(row);
                details.extend(rows::details(organization, &self.prepared.report, *index, id));
            }
            apply::insert(self.conn, &rows)?;
            apply::insert_details(self.conn, &details)?;
        }
        observations::repo::remove_tombstones(self.conn, organization, self.source.id, &returned)
    }

    fn maker<'b>(&self, shared: &'b SharedRows) -> RowMaker<'b>
    where
        'a: 'b,
    {
        RowMaker {
            prepared: self.prepared,
            shared,
            organization: self.organization(),
            product: self.order.target.product,
            branch: self.order.target.branch,
            source: self.source.id,
            settings: &self.order.settings,
            now: self.now,
        }
    }

    /// What is seen again with other content, and what is found again.
    fn rewrite_matched(&mut self) -> QueryResult<()> {
        let (organization, diff) = (self.organization(), &self.compared.diff);
        let matched = || {
            let updated = diff.updated.iter().map(|matched| (matched, false));
            updated.chain(diff.reopened.iter().map(|matched| (matched, true)))
        };
        let ids: Vec<_> = matched().map(|(matched, _)| self.compared.ids[matched.known]).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let standing = apply::standing(self.conn, organization, &ids)?;
        let (mut rewrites, mut changed, mut details) = (Vec::with_capacity(ids.len()), Vec::new(), Vec::new());
        for (matched, is_return) in matched() {
            // Absent: somebody deleted it while this import was comparing.
            let Some(before) = standing.get(&self.compared.ids[matched.known]) else { continue };
            rewrites.push(self.rewrite(matched, before, is_return));
            if matched.is_changed {
                changed.push(before.id);
                details.extend(rows::details(organization, &self.prepared.report, matched.reported, before.id));
            }
        }
        apply::rewrite(self.conn, organization, &rewrites)?;
        apply::replace_details(self.conn, organization, &changed, &details)
    }

    fn rewrite(&mut self, matched: &Matched, before: &Standing, is_return: bool) -> Rewrite {
        let finding = self.prepared.report.findings.at(matched.reported);
        let prints = &self.prepared.prints[matched.reported];
        let assessed_status =
            if is_return { status::assessment_after_found(before.assessed_status) } else { before.assessed_status };
        let scan_status = prepare::status_of(&finding);
        let status = status::current(true, assessed_status, scan_status);
        let scan_severity = finding.severity_in(&self.prepared.report);
        let severity = before.assessed_severity.unwrap_or(scan_severity);
        let why = if is_return { "reported again" } else { "reported differently" };
        self.ledger.note(before, (status, severity), why);
        Rewrite {
            id: before.id,
            fingerprint: matched.computed.to_vec(),
            tool_fingerprint: prints.tool.map(Print::to_vec),
            status,
            severity,
            scan_severity,
            scan_status,
            assessed_status,
            location: prepare::location_of(&finding),
            line: rows::line_of(&finding),
            content_hash: prints.content,
            status_changed_at: if status == before.status { before.status_changed_at } else { self.now },
        }
    }

    /// What the source reported until now, and this scan does not.
    fn mark_gone(&mut self) -> QueryResult<()> {
        let ids: Vec<_> = self.compared.diff.gone.iter().map(|known| self.compared.ids[*known]).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let seen_at = self.source.latest_scan_at.unwrap_or(self.now);
        self.ledger.mark_gone(self.conn, &ids, seen_at, "no longer reported")
    }

    fn finish(self) -> QueryResult<Written> {
        let (organization, source, prepared) = (self.organization(), self.source, self.prepared);
        let counts = self.compared.counts();
        let is_change = self.ledger.has_changes();
        let closes_held = source.closes_held_at.is_none() && self.compared.is_mass_disappearance();
        let touched = self.ledger.write(self.conn, source)?;
        let outcome = if is_change { ScanOutcome::Imported } else { ScanOutcome::Unchanged };
        let scan = scan_row(self.order, prepared, source, outcome, counts, self.now);
        repo::insert_scan(self.conn, &scan)?;
        let newest = NewestScan {
            latest_scan_id: Some(scan.id),
            latest_scan_at: Some(prepared.scanned_at),
            latest_reported_at: prepared.reported_at,
            latest_report_hash: Some(self.order.report_hash.clone()),
            latest_sequence: source.latest_sequence + i64::from(is_change),
            closes_held_at: closes_held.then_some(self.now),
            retired_at: None,
        };
        repo::set_newest(self.conn, organization, source.id, &newest)?;
        Ok(Written { scan, touched, closes_held, closes_released: source.closes_held_at.is_some() })
    }
}

fn scan_row(
    order: &Order,
    prepared: &Prepared,
    source: &ScanSource,
    outcome: ScanOutcome,
    counts: ScanCounts,
    now: UtcTime,
) -> Scan {
    let report = &prepared.report;
    let warnings: Vec<String> = report.warnings.iter().map(|w| format!("{}: {}", w.place, w.detail)).collect();
    Scan {
        organization_id: order.target.organization,
        id: ScanId::generate(),
        upload_id: order.upload,
        source_id: source.id,
        product_id: source.product_id,
        branch_id: source.branch_id,
        tool: prepared.source.tool.clone(),
        tool_version: report.tool_version.clone(),
        format: order.format.to_owned(),
        outcome,
        commit_id: order.settings.commit.clone(),
        environment: order.settings.environment.clone(),
        reported_at: prepared.reported_at,
        scanned_at: prepared.scanned_at,
        report_hash: order.report_hash.clone(),
        counts,
        warnings_json: serde_json::to_string(&warnings).unwrap_or_else(|_| "[]".to_owned()),
        created_at: now,
    }
}
