//! Which tracks got other neighbours by a change of models.

use super::html::Element;
use super::tables::{cell, column, header, row_name, table};
use crate::evaluate::turnover::Turnover;

/// The tracks whose neighbours changed most, with those before and now; `None`: none changed.
pub fn neighbours(turnover: &Turnover) -> Option<Element> {
    let head = header(["Track", "Stayed", "Nearest before", "Nearest now"].map(column));
    let rows = turnover.most.iter().map(|change| {
        super::html::element("tr")
            .push(row_name(change.name.clone()))
            .push(cell(format!("{:.0} %", 100.0 * change.kept)))
            .push(cell(change.before.join("; ")))
            .push(cell(change.after.join("; ")))
    });
    let body = super::html::element("tbody").extend(rows);
    (!turnover.most.is_empty()).then(|| table("Neighbours that changed most", [head, body]))
}
