//! Priority from element type and criticality, and how iTop is made to compute it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// iTop's priority, 1 (critical) to 4 (low).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Priority {
    /// 1
    Critical = 1,
    /// 2
    High = 2,
    /// 3
    Medium = 3,
    /// 4
    Low = 4,
}

impl JsonSchema for Priority {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Priority".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1, "maximum": 4})
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority as Self
    }
}

impl TryFrom<u8> for Priority {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::Critical),
            2 => Ok(Self::High),
            3 => Ok(Self::Medium),
            4 => Ok(Self::Low),
            other => {
                Err(format!("a priority is a number from 1 (critical) to 4 (low), not {other}"))
            }
        }
    }
}

impl Priority {
    /// Reads `1`–`4` or a name, whatever its case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "1" | "critical" => Some(Self::Critical),
            "2" | "high" => Some(Self::High),
            "3" | "medium" => Some(Self::Medium),
            "4" | "low" => Some(Self::Low),
            _ => None,
        }
    }

    /// Whether it is more urgent than another one.
    #[must_use]
    pub fn is_above(self, other: Self) -> bool {
        u8::from(self) < u8::from(other)
    }

    /// The impact and urgency from which iTop computes this priority: a written priority is
    /// silently replaced, and impact 2 with urgency p gives priority p (ITOP.md, "Tickets").
    #[must_use]
    pub fn impact_and_urgency(self) -> (u8, u8) {
        (2, self.into())
    }

    /// What iTop computes from impact × urgency; `None` outside its table (ITOP.md, "Tickets").
    #[must_use]
    pub fn computed(impact: u8, urgency: u8) -> Option<Self> {
        const TABLE: [[u8; 4]; 3] = [[1, 1, 2, 4], [1, 2, 3, 4], [2, 3, 3, 4]];
        let row = TABLE.get(usize::from(impact.checked_sub(1)?))?;
        Self::try_from(*row.get(usize::from(urgency.checked_sub(1)?))?).ok()
    }
}

/// What kind of thing a control checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ElementType {
    /// A host.
    Equipment,
    /// A unit service of an equipment.
    Service,
    /// A business view.
    UserService,
}

impl ElementType {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equipment => "equipment",
            Self::Service => "service",
            Self::UserService => "user_service",
        }
    }
}

/// How much a control matters, as ServiceNav has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criticality {
    /// low
    Low,
    /// medium
    #[default]
    Medium,
    /// high
    High,
}

/// One line of the matrix: the priority of each criticality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByCriticality {
    /// Priority of controls of high criticality.
    pub high: Priority,
    /// Priority of controls of medium criticality.
    pub medium: Priority,
    /// Priority of controls of low criticality.
    pub low: Priority,
}

/// Element type × criticality → priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Matrix {
    /// For equipment.
    pub equipment: ByCriticality,
    /// For unit services.
    pub service: ByCriticality,
    /// For user services.
    pub user_service: ByCriticality,
}

impl Default for Matrix {
    /// The matrix of SERVICENAV.md.
    fn default() -> Self {
        use Priority::{Critical, High, Low, Medium};
        let outer = ByCriticality { high: Critical, medium: High, low: Medium };
        let service = ByCriticality { high: High, medium: Medium, low: Low };
        Self { equipment: outer, service, user_service: outer }
    }
}

impl Matrix {
    /// The priority of a control.
    #[must_use]
    pub fn priority(&self, element: ElementType, criticality: Criticality) -> Priority {
        let line = match element {
            ElementType::Equipment => self.equipment,
            ElementType::Service => self.service,
            ElementType::UserService => self.user_service,
        };
        match criticality {
            Criticality::High => line.high,
            Criticality::Medium => line.medium,
            Criticality::Low => line.low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impact_and_urgency_give_the_wanted_priority() {
        for number in 1..=4 {
            let priority = Priority::try_from(number).unwrap();
            let (impact, urgency) = priority.impact_and_urgency();
            assert_eq!(Priority::computed(impact, urgency), Some(priority));
        }
        assert_eq!(Priority::computed(1, 4), Some(Priority::Low));
        assert_eq!(Priority::computed(0, 1), None);
        assert_eq!(Priority::computed(3, 5), None);
    }

    #[test]
    fn the_default_matrix_is_the_one_of_the_contract() {
        let matrix = Matrix::default();
        let cell = |element, criticality| u8::from(matrix.priority(element, criticality));
        assert_eq!(cell(ElementType::Equipment, Criticality::High), 1);
        assert_eq!(cell(ElementType::UserService, Criticality::Low), 3);
        assert_eq!(cell(ElementType::Service, Criticality::High), 2);
        assert_eq!(cell(ElementType::Service, Criticality::Low), 4);
    }
}
