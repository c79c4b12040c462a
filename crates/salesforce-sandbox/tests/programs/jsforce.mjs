// The calls of jsforce that people use, against the sandbox at the address that is given. Fails where
// an answer is not what its users expect.
import assert from 'node:assert/strict';
import jsforce from 'jsforce';

const [base, clientId, clientSecret, assertion, zip] = process.argv.slice(2);
const version = '67.0';

const byJwt = new jsforce.Connection({ loginUrl: base, oauth2: { loginUrl: base, clientId, clientSecret }, version });
await byJwt.authorize({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
const org = new jsforce.Connection({ loginUrl: base, oauth2: { loginUrl: base, clientId, clientSecret }, version });
const user = await org.authorize({ grant_type: 'client_credentials' });
assert.equal(user.id.length, 18);
assert.equal(org.instanceUrl, base);

// One record.
const made = await org.sobject('Case').create({ Subject: 'from jsforce', Bridge_Ack__c: 'js-1' });
assert.equal(made.success, true);
const read = await org.sobject('Case').retrieve(made.id);
assert.equal(read.CaseNumber, '00001001');
await assert.rejects(
  org.sobject('Case').create({ Bridge_Ack__c: 'js-1' }),
  (error) => error.errorCode === 'DUPLICATE_VALUE' && error.message.startsWith('duplicate value found'),
);
await org.sobject('Case').update({ Id: made.id, Status: 'Closed' });
const upserted = await org.sobject('Account').upsert({ Itop_Id__c: 'a/1', Name: 'With a slash' }, 'Itop_Id__c');
assert.equal(upserted.success, true);

// Headers go along.
await org.sobject('Case').create({ Subject: 'headers' }, { headers: { 'Sforce-Auto-Assign': 'FALSE' } });

// Many.
const many = await org.sobject('Account').create(
  [{ Name: 'One' }, { Name: '' }, { Name: 'Three' }], { allOrNone: false });
assert.deepEqual(many.map((one) => one.success), [true, false, true]);
assert.equal(many[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
const ids = [many[0].id, many[2].id];
const back = await org.sobject('Account').retrieve(ids);
assert.deepEqual(back.map((one) => one.Name), ['One', 'Three']);
const gone = await org.sobject('Account').destroy(ids);
assert.ok(gone.every((one) => one.success));

// Queries, in pages.
const list = [];
for (let number = 0; number < 450; number += 1) {
  list.push({ Name: `js ${String(number).padStart(3, '0')}` });
}
for (let from = 0; from < list.length; from += 200) {
  await org.sobject('CI__c').create(list.slice(from, from + 200));
}
const rows = [];
const query = org.query("SELECT Id, Name, Owner.Name FROM CI__c WHERE Name LIKE 'js %' ORDER BY Name");
query.on('record', (row) => rows.push(row));
await query.execute({ autoFetch: true, maxFetch: 1000, headers: { 'Sforce-Query-Options': 'batchSize=200' } });
assert.equal(rows.length, 450);
assert.equal(rows[449].Name, 'js 449');
assert.equal(rows[0].Owner.Name, 'Integration Bridge');
await assert.rejects(org.query('SELECT Bad__x FROM Case'), (error) => error.errorCode === 'INVALID_FIELD');

// Describe and limits.
const described = await org.sobject('Case').describe();
assert.equal(described.fields.find((field) => field.name === 'Bridge_Ack__c').externalId, true);
const all = await org.describeGlobal();
assert.ok(all.sobjects.some((one) => one.name === 'CI__c'));
const limits = await org.limits();
assert.ok(limits.DailyApiRequests.Remaining > 0);
assert.ok(org.limitInfo.apiUsage.used > 0);

// Bulk 2.0: its upload is chunked.
org.bulk2.pollInterval = 20;
org.bulk2.pollTimeout = 60000;
const bulk = await org.bulk2.loadAndWaitForResults({
  object: 'Account', operation: 'upsert', externalIdFieldName: 'Itop_Id__c',
  input: [{ Itop_Id__c: 'b1', Name: 'Bulk "one", two' }, { Itop_Id__c: 'b2', Name: '' }],
});
assert.equal(bulk.successfulResults.length, 1);
assert.equal(bulk.successfulResults[0].sf__Created, 'true');
assert.equal(bulk.failedResults[0].sf__Error, 'REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --');
assert.equal(bulk.unprocessedRecords.length, 0);

// Metadata, dry.
const deployed = await org.metadata.deployRest(Buffer.from(zip, 'base64'), { checkOnly: true, singlePackage: true, rollbackOnError: true });
assert.equal(deployed.deployOptions.checkOnly, true);

// A session that ended is opened anew where the connection knows how.
const renewed = new jsforce.Connection({
  instanceUrl: base, accessToken: 'old', version,
  refreshFn: (connection, done) => done(null, org.accessToken),
});
assert.equal((await renewed.query('SELECT COUNT() FROM Case')).totalSize, 2);
console.log('all as expected');
