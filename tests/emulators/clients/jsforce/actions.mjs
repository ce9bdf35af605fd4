// Quick actions that were deployed: listed, described, filled in, carried out.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { coded, connect } from "./setup.mjs";

const conn = connect();
const accounts = conn.sobject("Account");

const action = (fullName, more) => ({
  fullName,
  label: "New Patient",
  optionsCreateFeedItem: false,
  type: "Create",
  targetObject: "Contact",
  quickActionLayout: {
    layoutSectionStyle: "OneColumn",
    quickActionLayoutColumns: [
      { quickActionLayoutItems: [{ emptySpace: false, field: "LastName", uiBehavior: "Required" }] },
    ],
  },
  ...more,
});

before(async () => {
  const made = await conn.metadata.create("QuickAction", [
    action("New_Patient", {}),
    action("Account.Add_Patient", { targetParentField: "AccountId" }),
  ]);
  assert.deepEqual(made.map(({ success }) => success), [true, true]);
});

const shown = (list) => list.map(({ name, type, label, urls }) => [name, type, label, typeof urls.describe]);

test("actions of everywhere are listed", async () => {
  assert.deepEqual(shown(await conn.quickActions()), [["New_Patient", "Create", "New Patient", "string"]]);
});

test("actions of an object are listed with those of everywhere", async () => {
  assert.deepEqual(shown(await accounts.quickActions()), [
    ["Account.Add_Patient", "Create", "New Patient", "string"],
    ["New_Patient", "Create", "New Patient", "string"],
  ]);
});

test("an action is described with the object and the fields it is for", async () => {
  const described = await conn.quickAction("New_Patient").describe();
  assert.deepEqual([described.name, described.targetSobjectType], ["New_Patient", "Contact"]);
  assert.equal(described.layout.layoutRows[0].layoutItems[0].layoutComponents[0].value, "LastName");
});

test("default values are those of a form, alone or on a record", async () => {
  assert.equal((await conn.quickAction("New_Patient").defaultValues()).LastName, null);
  const { id } = await accounts.create({ Name: "Maple" });
  assert.equal((await accounts.quickAction("Add_Patient").defaultValues(id)).AccountId, id);
});

test("an action is carried out on a record", async () => {
  const { id } = await accounts.create({ Name: "Birch" });
  const result = await accounts.quickAction("Add_Patient").execute(id, { LastName: "Noether" });
  assert.deepEqual([result.success, result.created, result.contextId], [true, true, id]);
  assert.ok(Array.isArray(result.feedItemIds));
  assert.equal((await conn.sobject("Contact").retrieve(result.id)).AccountId, id);
});

test("an action that is not there is not found", async () => {
  await assert.rejects(conn.quickAction("LogACall").describe(), coded("NOT_FOUND"));
});
