//! Attachments, agreements and notifications.

use serde_json::{Map, Value, json};

use super::{AttachmentSurvey, Notification, Target, length, text};
use crate::{
    itop::Use,
    migrate::source::{AskError, Asking},
};

/// How many attachments are read to know how large they are.
const FILES: usize = 40;

/// Counts attachments by what they hang on, and reads some: iTop tells no size without the contents.
pub(super) async fn attachments(asking: Asking<'_>) -> Result<AttachmentSurvey, AskError> {
    const CLASS: &str = "Attachment";
    let mut survey = AttachmentSurvey::default();
    for class in asking.distinct(CLASS, "item_class", &[]).await? {
        let query = format!("SELECT Attachment WHERE item_class = '{class}'");
        let files = asking.count(CLASS, &query).await?.unwrap_or(0);
        survey.files += files;
        survey.on.push((class, files));
    }
    if survey.files == 0 {
        return Ok(survey);
    }
    let operation = json!({
        "operation": "core/get", "class": CLASS, "key": "SELECT Attachment WHERE item_class != ''",
        "output_fields": "id", "limit": "500", "page": "1",
    });
    let Ok(answer) = asking.ask(CLASS, Use::List, &operation).await? else { return Ok(survey) };
    let ids: Vec<_> = answer.objects().map(|(_, id, _)| id).collect();
    let mut bytes = 0;
    for id in ids.iter().step_by(ids.len().div_ceil(FILES).max(1)) {
        let operation = json!({
            "operation": "core/get", "class": CLASS, "key": id, "output_fields": "contents",
        });
        let Ok(answer) = asking.ask(CLASS, Use::List, &operation).await? else { continue };
        let contents =
            answer.objects().next().and_then(|(.., fields)| fields.get("contents")?.get("data"));
        if let Some(base64) = contents.and_then(Value::as_str) {
            survey.sampled += 1;
            bytes += length(base64) / 4 * 3;
        }
    }
    let sampled = u64::try_from(survey.sampled).unwrap_or(0);
    survey.bytes = bytes.checked_div(sampled).map(|mean| mean.saturating_mul(survey.files));
    Ok(survey)
}

pub(super) async fn targets(asking: Asking<'_>) -> Result<Vec<Target>, AskError> {
    const CLASS: &str = "lnkSLAToSLT";
    let operation = json!({
        "operation": "core/get", "class": CLASS, "key": "SELECT lnkSLAToSLT",
        "output_fields": "sla_name,slt_name,slt_metric,slt_request_type,slt_ticket_priority,slt_value,\
                          slt_value_unit",
    });
    let Ok(answer) = asking.ask(CLASS, Use::List, &operation).await? else { return Ok(Vec::new()) };
    let target = |(_, _, fields): (&str, u64, &Map<String, Value>)| Target {
        sla: text(fields, "sla_name"),
        slt: text(fields, "slt_name"),
        metric: text(fields, "slt_metric"),
        request_type: text(fields, "slt_request_type"),
        priority: text(fields, "slt_ticket_priority"),
        value: text(fields, "slt_value"),
        unit: text(fields, "slt_value_unit"),
    };
    Ok(answer.objects().map(target).collect())
}

pub(super) async fn notifications(
    asking: Asking<'_>,
    class: &str,
    name: &str,
    about: &str,
) -> Result<Vec<Notification>, AskError> {
    let operation = json!({
        "operation": "core/get", "class": class, "key": format!("SELECT {class}"),
        "output_fields": format!("{name},{about}"),
    });
    let Ok(answer) = asking.ask(class, Use::List, &operation).await? else { return Ok(Vec::new()) };
    let one = |(class, _, fields): (&str, u64, &Map<String, Value>)| Notification {
        class: class.to_owned(),
        name: text(fields, name),
        about: text(fields, about),
    };
    let mut all: Vec<_> = answer.objects().map(one).collect();
    all.sort_by(|a, b| (&a.class, &a.name).cmp(&(&b.class, &b.name)));
    Ok(all)
}
