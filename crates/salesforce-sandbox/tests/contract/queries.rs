//! SOQL.

use serde_json::{Value, json};

use crate::org::Org;

/// An org with three Cases.
async fn org() -> Org {
    let org = Org::new().await;
    let account = org.id("Account", "Bakery Dubois");
    let queue = org.id("Group", "Network");
    org.made(
        "Case",
        json!({"Subject": "Disk 97% full", "AccountId": account, "OwnerId": queue,
               "Bridge_Ack__c": "k1", "Priority": "High"}),
    )
    .await;
    org.made("Case", json!({"Subject": "It's \\ down_", "Bridge_Ack__c": "K1"})).await;
    org.made("Case", json!({"Status": "Closed"})).await;
    org
}

#[tokio::test]
async fn conditions_find_what_salesforce_finds() {
    let org = org().await;
    let account = org.id("Account", "Bakery Dubois");
    for (condition, numbers) in [
        ("Status = 'new'", "12"),
        ("Status != 'New'", "3"),
        ("Subject != 'Disk 97% full'", "23"),
        ("Subject = null", "3"),
        ("Subject <> NULL", "12"),
        ("Subject LIKE '%DISK%'", "1"),
        ("Subject LIKE '% 97\\%%'", "1"),
        ("Subject LIKE '%down\\_'", "2"),
        ("Subject = 'It\\'s \\\\ down_'", "2"),
        ("Bridge_Ack__c = 'k1'", "1"),
        ("Bridge_Ack__c IN ('k1', 'K1')", "12"),
        ("Bridge_Ack__c NOT IN ('k1')", "23"),
        ("NOT Subject LIKE '%Disk%'", "23"),
        ("IsClosed = true", "3"),
        ("(Status = 'Closed' OR Priority = 'High') AND Subject != null", "1"),
        ("Account.Name = 'bakery dubois'", "1"),
        ("Owner.Name = 'Network' AND Owner.Type = 'Group'", "1"),
        ("Account.Name = null", "23"),
        ("CreatedDate > 2020-01-01T00:00:00Z", "123"),
        ("CreatedDate < 2020-01-01T00:00:00+02:00", ""),
        ("CreatedDate >= LAST_N_DAYS:2", "123"),
        ("CreatedDate = YESTERDAY", ""),
        (&format!("AccountId = '{account}'"), "1"),
        (&format!("AccountId = '{}'", &account[..15]), "1"),
        ("CaseNumber > '00001001'", "23"),
    ] {
        let rows = org
            .rows(&format!("SELECT CaseNumber FROM Case WHERE {condition} ORDER BY CaseNumber"))
            .await;
        let found: String = rows
            .iter()
            .map(|row| row["CaseNumber"].as_str().unwrap().chars().last().unwrap())
            .collect();
        assert_eq!(found, numbers, "{condition}");
    }
}

#[tokio::test]
async fn rows_have_the_shape_that_was_asked() {
    let org = org().await;
    let said = org
        .query("SELECT Id, Case.Status, Account.Name, Account.Parent.Name, Owner.Name FROM Case ORDER BY Subject DESC NULLS LAST LIMIT 2")
        .await
        .json();
    assert_eq!((&said["totalSize"], &said["done"]), (&json!(2), &json!(true)));
    let second = &said["records"][1];
    assert_eq!(second["Account"]["Name"], "Bakery Dubois");
    assert_eq!(second["Account"]["Parent"], Value::Null);
    assert_eq!(second["Account"]["attributes"]["type"], "Account");
    assert_eq!(second["Owner"]["attributes"]["type"], "Group");
    assert_eq!(said["records"][0]["Account"], Value::Null);
    assert_eq!(said["records"][0]["Owner"]["attributes"]["type"], "User");
    assert_eq!(
        second["attributes"]["url"],
        json!(format!("/services/data/v67.0/sobjects/Case/{}", second["Id"].as_str().unwrap()))
    );

    let count = org.query("SELECT COUNT() FROM Case WHERE Bridge_Ack__c != null").await.json();
    assert_eq!(count, json!({"totalSize": 2, "done": true, "records": []}));
    let groups =
        org.rows("SELECT Status, COUNT(Id) n, MAX(CaseNumber) FROM Case GROUP BY Status").await;
    assert_eq!(groups[0], json!({"Status": "Closed", "n": 1, "expr0": "00001003"}));
    assert_eq!(groups[1]["n"], 2);
    for (list, count) in [
        ("SELECT QueueId, Queue.Name FROM QueueSobject WHERE SobjectType='Case'", 3),
        ("SELECT ApiName, MasterLabel, IsClosed, IsDefault FROM CaseStatus", 4),
        ("SELECT Id, DeveloperName, IsActive FROM RecordType WHERE SobjectType='Case'", 3),
        ("SELECT Id FROM User WHERE IsActive = true AND Email = 'alice@sandbox.example'", 1),
    ] {
        assert_eq!(org.rows(list).await.len(), count, "{list}");
    }
}

#[tokio::test]
async fn many_rows_come_in_pages() {
    let org = Org::new().await;
    for number in 0..450 {
        org.sandbox.seed("CI__c", json!({"Name": format!("ci{number:03}")})).unwrap();
    }
    let batch = [("Sforce-Query-Options", "batchSize=200")];
    let path = "/query/?q=SELECT+Name+FROM+CI__c+WHERE+Name+LIKE+'ci%25'+ORDER+BY+Name";
    let first = org.ask("GET", path, &batch, None).await.json();
    assert_eq!((&first["totalSize"], &first["done"]), (&json!(450), &json!(false)));
    let mut names: Vec<String> = Vec::new();
    let mut page = first;
    loop {
        let rows = page["records"].as_array().unwrap();
        names.extend(rows.iter().map(|row| row["Name"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextRecordsUrl"].as_str() else { break };
        page = org.get(next).await.json();
    }
    assert_eq!(page["done"], true);
    assert_eq!(names.len(), 450);
    assert!(names.is_sorted());
    let said = org.get("/query/01gxx0000002HU6KIAW-2000").await;
    assert_eq!((said.status.as_u16(), said.code().as_str()), (400, "INVALID_QUERY_LOCATOR"));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let org = Org::new().await;
    for (query, code, end) in [
        ("SELECT Id,Bad__x FROM Contact LIMIT 1", "INVALID_FIELD", "appropriate names."),
        ("SELECT Id, From Account", "MALFORMED_QUERY", "unexpected token: 'From'"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE", "appropriate names."),
        ("SELECT Id FROM Case WHERE Status = New", "MALFORMED_QUERY", "unexpected token: 'New'"),
        (
            "SELECT Id FROM Case WHERE Status = 'a' AND Priority = 'b' OR Origin = 'c'",
            "MALFORMED_QUERY",
            "'OR'",
        ),
        (
            "SELECT Id FROM Case WHERE Description = 'x'",
            "INVALID_FIELD",
            "can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Case ORDER BY Description",
            "INVALID_FIELD",
            "can not be sorted in a query call",
        ),
        ("SELECT Id FROM Case WHERE Subject = 'a\\q'", "MALFORMED_QUERY", "'\\q'"),
        (
            "SELECT Id FROM Case WHERE CreatedDate > '2020'",
            "INVALID_FIELD",
            "should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Case WHERE Id = '12'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: 12",
        ),
        ("SELECT Id FROM Case LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY", "IN operator."),
        ("SELECT Id FROM Case)", "MALFORMED_QUERY", "unexpected token: ')'"),
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    ] {
        let said = org.query(query).await;
        assert_eq!(
            (said.status.as_u16(), said.code().as_str()),
            (400, code),
            "{query}: {}",
            said.text
        );
        assert!(said.message().ends_with(end), "{query}: {}", said.message());
    }
    let said = org.query("SELECT Id,Bad__x FROM Contact LIMIT 1").await;
    let begin = "\nSELECT Id,Bad__x FROM Contact LIMIT 1\n          ^\nERROR at Row:1:Column:11\nNo such column 'Bad__x' on entity 'Contact'.";
    assert!(said.message().starts_with(begin), "{}", said.message());
}

#[tokio::test]
async fn the_recycle_bin_is_asked_by_name() {
    let org = org().await;
    let case = org.sandbox.records("Case")[0]["Id"].as_str().unwrap().to_owned();
    org.delete(&format!("/sobjects/Case/{case}")).await;
    assert_eq!(org.rows("SELECT Id FROM Case").await.len(), 2);
    let said = org.get("/queryAll?q=SELECT+Id+FROM+Case+WHERE+IsDeleted+%3D+true").await.json();
    assert_eq!(said["records"][0]["Id"], json!(case));
}
