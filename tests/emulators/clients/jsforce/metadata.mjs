// The Metadata API by SOAP and by REST: components made, read and removed, packages deployed and retrieved.
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect, token } from "./setup.mjs";

const conn = connect();
conn.metadata.pollInterval = 20;
const PACKAGE = join(process.env.HOME, "package.zip");
const WHOLE = { rollbackOnError: true, singlePackage: true };

const object = (fullName, more = {}) => ({
  fullName,
  label: fullName.replace("__c", ""),
  pluralLabel: `${fullName.replace("__c", "")}s`,
  nameField: { type: "Text", label: "Name" },
  deploymentStatus: "Deployed",
  sharingModel: "ReadWrite",
  ...more,
});

test("custom objects are made, and work at once", async () => {
  const numbered = { nameField: { type: "AutoNumber", label: "Number", displayFormat: "V-{0000}" } };
  const results = await conn.metadata.create("CustomObject", [object("Visit__c"), object("Bill__c", numbered)]);
  assert.deepEqual(results.map(({ fullName, success }) => [fullName, success]), [["Visit__c", true], ["Bill__c", true]]);
  const { id } = await conn.sobject("Visit__c").create({ Name: "First" });
  assert.equal((await conn.sobject("Visit__c").retrieve(id)).Name, "First");
});

test("what was made is read back, changed and read again", async () => {
  await conn.metadata.create("CustomObject", object("Room__c"));
  const read = await conn.metadata.read("CustomObject", "Room__c");
  assert.deepEqual([read.fullName, read.label, read.nameField.label], ["Room__c", "Room", "Name"]);
  const changed = await conn.metadata.update("CustomObject", { ...read, label: "Treatment Room" });
  assert.equal(changed.success, true);
  assert.equal((await conn.metadata.read("CustomObject", "Room__c")).label, "Treatment Room");
});

test("an upsert says which component was new", async () => {
  await conn.metadata.create("CustomObject", object("Known__c"));
  const results = await conn.metadata.upsert("CustomObject", [object("Known__c", { label: "Kept" }), object("Fresh__c")]);
  assert.deepEqual(results.map(({ fullName, success, created }) => [fullName, success, created]), [
    ["Known__c", true, false],
    ["Fresh__c", true, true],
  ]);
});

test("an object is renamed with its records, and the answer names what it was", async () => {
  await conn.metadata.create("CustomObject", object("Before__c"));
  const { id } = await conn.sobject("Before__c").create({ Name: "Kept" });
  const result = await conn.metadata.rename("CustomObject", "Before__c", "After__c");
  assert.deepEqual([result.success, result.fullName], [true, "Before__c"]);
  assert.equal((await conn.metadata.read("CustomObject", "After__c")).fullName, "After__c");
  assert.equal((await conn.sobject("After__c").retrieve(id)).Name, "Kept");
});

test("a component is renamed", async () => {
  await conn.metadata.create("PermissionSet", { fullName: "Before", label: "Desk" });
  const result = await conn.metadata.rename("PermissionSet", "Before", "After");
  assert.equal(result.success, true);
  assert.equal((await conn.metadata.read("PermissionSet", "After")).label, "Desk");
  assert.ok(!(await conn.metadata.list({ type: "PermissionSet" })).some(({ fullName }) => fullName === "Before"));
});

test("components are listed by type", async () => {
  await conn.metadata.create("CustomObject", object("Listed__c"));
  const found = await conn.metadata.list({ type: "CustomObject" });
  const listed = found.find(({ fullName }) => fullName === "Listed__c");
  assert.equal(listed.type, "CustomObject");
  assert.equal(typeof listed.id, "string");
  assert.ok(found.some(({ fullName }) => fullName === "Contact"));
});

test("components are removed, and one that is not there is refused", async () => {
  await conn.metadata.create("CustomObject", object("Gone__c"));
  const [gone, never] = await conn.metadata.delete("CustomObject", ["Gone__c", "Never__c"]);
  assert.deepEqual([gone.fullName, gone.success], ["Gone__c", true]);
  assert.equal(never.success, false);
  const { sobjects } = await conn.describeGlobal();
  assert.ok(!sobjects.some(({ name }) => name === "Gone__c"));
});

test("describe names the types that the org knows", async () => {
  const { metadataObjects } = await conn.metadata.describe("64.0");
  const kinds = new Map(metadataObjects.map((one) => [one.xmlName, one]));
  assert.equal(kinds.get("CustomObject").directoryName, "objects");
  assert.equal(kinds.get("CustomObject").suffix, "object");
});

// What these return can be awaited for the first answer already, so it is passed on by functions.
const ways = {
  REST: async (options) => conn.metadata.deployRest(await readFile(PACKAGE), options).complete(true),
  SOAP: async (options) => conn.metadata.deploy(createReadStream(PACKAGE), options).complete(true),
};

for (const [name, deploy] of Object.entries(ways)) {
  test(`a package is deployed by ${name}`, async () => {
    const result = await deploy(WHOLE);
    assert.deepEqual([result.done, result.success, result.status], [true, true, "Succeeded"]);
    assert.equal(result.numberComponentErrors, 0);
    assert.equal(result.numberComponentsDeployed, result.numberComponentsTotal);
    const { fields } = await conn.sobject("Contact").describe();
    assert.ok(fields.some((field) => field.name === "Packed__c"));
  });

  test(`a deployment with a test class that is not there fails, by ${name}`, async () => {
    const result = await deploy({ ...WHOLE, testLevel: "RunSpecifiedTests", runTests: ["Missing_Test"] });
    assert.deepEqual([result.done, result.success, result.status], [true, false, "Failed"]);
    assert.match(result.errorMessage, /Missing_Test/);
    assert.deepEqual([result.numberComponentErrors, result.numberTestsCompleted], [0, 0]);
  });

  test(`a deployment that runs the org's tests has none to run, by ${name}`, async () => {
    const result = await deploy({ ...WHOLE, testLevel: "RunLocalTests" });
    assert.deepEqual([result.status, result.runTestsEnabled], ["Succeeded", true]);
    assert.deepEqual([result.numberTestsTotal, result.numberTestErrors], [0, 0]);
    assert.equal(Number(result.details.runTestResult.numTestsRun), 0);
  });

  test(`a validation is deployed later without its package, by ${name}`, async () => {
    const checked = await deploy({ ...WHOLE, checkOnly: true, testLevel: "RunAllTestsInOrg" });
    assert.equal(checked.status, "Succeeded");
    const id = await conn.metadata.deployRecentValidation({ id: checked.id, rest: name === "REST" });
    assert.equal(typeof id, "string");
    assert.notEqual(id, checked.id);
  });
}

test("a package is retrieved as a zip", async () => {
  await conn.metadata.create("CustomObject", object("Fetched__c"));
  const unpackaged = { types: [{ name: "CustomObject", members: ["Fetched__c"] }], version: "64.0" };
  const chunks = [];
  const stream = conn.metadata.retrieve({ apiVersion: "64.0", singlePackage: true, unpackaged }).stream();
  for await (const chunk of stream) chunks.push(chunk);
  const zip = Buffer.concat(chunks);
  assert.equal(zip.subarray(0, 2).toString(), "PK");
  assert.ok(zip.includes("objects/Fetched__c.object"));
});

test("a package is retrieved by the name that it was deployed under", async () => {
  await conn.metadata.deploy(createReadStream(PACKAGE), WHOLE).complete();
  const chunks = [];
  for await (const chunk of conn.metadata.retrieve({ packageNames: ["Front Desk"] }).stream()) chunks.push(chunk);
  const zip = Buffer.concat(chunks);
  assert.ok(zip.includes("Front Desk/objects/Contact.object"));
  assert.ok(zip.includes("Front Desk/package.xml"));
});

test("a custom field is renamed with what it holds", async () => {
  await conn.metadata.create("CustomField", { fullName: "Contact.Shoe__c", label: "Shoe", type: "Text", length: 20 });
  const { id } = await conn.sobject("Contact").create({ LastName: "Noether", Shoe__c: "38" });
  const result = await conn.metadata.rename("CustomField", "Contact.Shoe__c", "Contact.Foot__c");
  assert.deepEqual([result.success, result.fullName], [true, "Contact.Shoe__c"]);
  assert.equal((await conn.sobject("Contact").retrieve(id)).Foot__c, "38");
});

test("a session that ended is renewed", async () => {
  let renewed = 0;
  const other = connect({
    accessToken: "no longer good",
    refreshFn: (_conn, callback) => {
      renewed += 1;
      callback(null, token);
    },
  });
  assert.ok(Array.isArray(await other.metadata.list({ type: "CustomObject" })));
  assert.equal(renewed, 1);
});
