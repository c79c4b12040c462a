"""The calls of simple-salesforce that people use, against the sandbox at the address that is given."""

import sys

import requests
from simple_salesforce import Salesforce, SalesforceExpiredSession
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound


class Local(requests.adapters.HTTPAdapter):
    """Leads https:// to the sandbox, whatever the host."""

    def __init__(self, base):
        self.base = base
        super().__init__()

    def send(self, request, **kwargs):
        url = requests.compat.urlsplit(request.url)
        request.headers["X-Original-Host"] = url.netloc
        request.url = self.base + url.path + ("?" + url.query if url.query else "")
        kwargs.pop("proxies", None)
        return super().send(request, **kwargs)

    def get_connection_with_tls_context(self, request, verify, proxies=None, cert=None):
        return self.poolmanager.connection_from_url(self.base)


base, client_id, client_secret, user, key_file = sys.argv[1:]
session = requests.Session()
session.trust_env = False
session.mount("https://", Local(base))

jwt = Salesforce(username=user, consumer_key=client_id, privatekey_file=key_file, domain="test",
                 session=session, version="67.0")
assert jwt.query("SELECT COUNT() FROM Case")["totalSize"] == 0
org = Salesforce(consumer_key=client_id, consumer_secret=client_secret, domain="x.my",
                 session=session, version="67.0")

made = org.Case.create({"Subject": "from Python", "Bridge_Ack__c": "py-1"})
assert made["success"], made
assert org.Case.get(made["id"])["CaseNumber"] == "00001001"
assert org.Case.get_by_custom_id("Bridge_Ack__c", "py-1")["Id"] == made["id"]
try:
    org.Case.create({"Bridge_Ack__c": "py-1"})
    raise SystemExit("a second one was made")
except SalesforceMalformedRequest as error:
    assert error.content[0]["errorCode"] == "DUPLICATE_VALUE", error
assert org.Case.update(made["id"], {"Status": "Closed"}) == 204
assert org.Account.upsert("Itop_Id__c/py", {"Name": "Upserted"}) == 201
assert org.Account.upsert("Itop_Id__c/py", {"Name": "Upserted 2"}) == 200
try:
    org.Case.get_by_custom_id("Bridge_Ack__c", "none")
    raise SystemExit("something was found")
except SalesforceResourceNotFound:
    pass

rows = org.query_all("SELECT Id, Status, Account.Name FROM Case WHERE Bridge_Ack__c != null")
assert rows["totalSize"] == 1 and rows["records"][0]["Status"] == "Closed", rows
assert org.query("SELECT COUNT() FROM Account WHERE Name = 'UPSERTED 2'")["totalSize"] == 1
fields = {field["name"]: field for field in org.Case.describe()["fields"]}
assert fields["Bridge_Ack__c"]["unique"] and fields["Status"]["type"] == "picklist"
assert org.describe()["maxBatchSize"] == 200
assert org.limits()["DailyApiRequests"]["Max"] > 0
assert org.api_usage["api-usage"].used > 0, org.api_usage

many = org.restful("composite/sobjects", method="POST", json={
    "allOrNone": False,
    "records": [{"attributes": {"type": "Account"}, "Name": "A"}, {"attributes": {"type": "Contact"}}],
})
assert [one["success"] for one in many] == [True, False], many

results = org.bulk2.Account.upsert(
    records=[{"Itop_Id__c": "pb1", "Name": "Bulk"}, {"Itop_Id__c": "pb2", "Name": ""}],
    external_id_field="Itop_Id__c")
assert results[0]["numberRecordsProcessed"] == 2 and results[0]["numberRecordsFailed"] == 1, results
failed = org.bulk2.Account.get_failed_records(results[0]["job_id"])
assert "REQUIRED_FIELD_MISSING" in failed, failed

assert org.Case.delete(made["id"]) == 204
stale = Salesforce(instance="sim.example", session_id="stale", session=session, version="67.0")
try:
    stale.query("SELECT Id FROM Case")
    raise SystemExit("a stale session was taken")
except SalesforceExpiredSession:
    pass
print("all as expected")
