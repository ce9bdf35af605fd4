// Finding records by jsforce's own conditions, sorting, counting, children.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { coded, connect } from "./setup.mjs";

const conn = connect();
const accounts = conn.sobject("Account");
const contacts = conn.sobject("Contact");

before(async () => {
  const [maple, birch] = await accounts.create([{ Name: "Maple" }, { Name: "Birch", BillingCity: "Lyon" }]);
  await contacts.create([
    { LastName: "Curie", FirstName: "Marie", Birthdate: "1967-11-07", AccountId: birch.id },
    { LastName: "Curie", FirstName: "Eve", Birthdate: "1984-12-06", AccountId: birch.id },
    { LastName: "Joliot", FirstName: "Irene", Birthdate: "1977-09-12", AccountId: birch.id },
    { LastName: "Bohr", FirstName: "Margrethe", Birthdate: "1990-03-07", AccountId: maple.id },
  ]);
});

test("find without conditions finds all", async () => {
  assert.equal((await contacts.find()).length, 4);
  assert.equal((await contacts.find({}, { LastName: 1 })).filter(({ LastName }) => LastName).length, 4);
});

test("conditions compare, combine and look along relationships", async () => {
  const names = async (conditions) => (await contacts.find(conditions, "FirstName").sort("FirstName")).map((one) => one.FirstName);
  assert.deepEqual(await names({ LastName: { $like: "Cur%" } }), ["Eve", "Marie"]);
  assert.deepEqual(await names({ LastName: { $in: ["Bohr", "Joliot"] } }), ["Irene", "Margrethe"]);
  assert.deepEqual(await names({ LastName: { $nin: ["Bohr", "Joliot"] } }), ["Eve", "Marie"]);
  assert.deepEqual(await names({ $or: [{ FirstName: "Eve" }, { LastName: "Bohr" }] }), ["Eve", "Margrethe"]);
  assert.deepEqual(await names({ LastName: "Curie", FirstName: { $ne: "Eve" } }), ["Marie"]);
  assert.deepEqual(await names({ "Account.BillingCity": "Lyon" }), ["Eve", "Irene", "Marie"]);
  assert.deepEqual(await names({ Email: null, LastName: { $gte: "J" } }), ["Irene"]);
});

test("findOne finds one, or nothing", async () => {
  assert.equal((await contacts.findOne({ FirstName: "Eve" })).LastName, "Curie");
  assert.equal(await contacts.findOne({ FirstName: "Nobody" }), null);
});

test("count counts", async () => {
  assert.equal(await contacts.count(), 4);
  assert.equal(await contacts.count({ LastName: { $like: "C%" } }), 2);
});

test("records are sorted by several fields in either direction", async () => {
  const down = await contacts.find({}, { Birthdate: 1 }).sort("Birthdate", "desc");
  assert.deepEqual(down.map(({ Birthdate }) => Birthdate), ["1990-03-07", "1984-12-06", "1977-09-12", "1967-11-07"]);
  const expected = ["1984-12-06", "1977-09-12", "1967-11-07", "1990-03-07"];
  for (const order of ["Account.Name -Birthdate", { "Account.Name": 1, Birthdate: -1 }]) {
    const found = await contacts.find({}, { "Account.Name": 1, Birthdate: 1 }).sort(order).execute();
    assert.deepEqual(found.map(({ Birthdate }) => Birthdate), expected);
  }
});

test("limit and skip cut a piece out", async () => {
  const found = await contacts.find({}, "FirstName").sort("FirstName").limit(2).skip(1);
  assert.deepEqual(found.map(({ FirstName }) => FirstName), ["Irene", "Margrethe"]);
});

test("select names fields, along relationships and by a star", async () => {
  for (const { Id, Account, Owner } of await contacts.select("Id,Account.Name,Owner.Name").limit(3)) {
    assert.match(Id, /^003/);
    assert.ok(["Maple", "Birch"].includes(Account.Name));
    assert.equal(Owner.attributes.type, "User");
  }
  const [all] = await contacts.select("*, Account.*, Owner.Name").sort("FirstName").limit(1);
  assert.deepEqual([all.FirstName, all.Account.Name, all.Owner.Name], ["Eve", "Birch", "Ina Integration"]);
  assert.ok(Object.keys(all).length > 30);
});

test("children come inside their parents", async () => {
  const found = await accounts
    .find(null, "Id, Name")
    .include("Contacts")
    .select("*")
    .sort("FirstName")
    .limit(2)
    .end()
    .sort("Name")
    .execute();
  assert.deepEqual(found.map(({ Name }) => Name), ["Birch", "Maple"]);
  assert.deepEqual(found[0].Contacts.records.map(({ FirstName }) => FirstName), ["Eve", "Irene"]);
  assert.deepEqual(found[1].Contacts.records.map(({ FirstName }) => FirstName), ["Margrethe"]);
});

test("a record knows its own calls", async () => {
  const { id } = await contacts.create({ LastName: "Short-lived" });
  await contacts.record(id).update({ Title: "Dr" });
  assert.equal((await contacts.record(id).retrieve()).Title, "Dr");
  await contacts.record(id).destroy();
  await assert.rejects(contacts.record(id).retrieve(), coded("NOT_FOUND"));
});

// Each describe is asked for once; `$` takes it from the cache or asks, `$$` takes it from the cache at once.
for (const [what, ask, check] of [
  ["layouts", [], checkLayouts],
  ["compactLayouts", [], checkCompactLayouts],
  ["approvalLayouts", [], ({ approvalLayouts }) => assert.deepEqual(approvalLayouts, [])],
]) {
  test(`${what} are described, and kept`, async () => {
    const first = await accounts[what](...ask);
    check(first);
    assert.equal(await accounts[`${what}$`](...ask), first);
    assert.equal(accounts[`${what}$$`](...ask), first);
  });
}

test("a layout with a name is described, and kept", async () => {
  const users = conn.sobject("User");
  const first = await users.layouts("UserAlt");
  checkLayouts(first);
  assert.equal(await users.layouts$("UserAlt"), first);
  assert.equal(users.layouts$$("UserAlt"), first);
});

function checkLayouts({ layouts, recordTypeMappings, recordTypeSelectorRequired }) {
  assert.ok(layouts.length > 0);
  for (const layout of layouts) {
    assert.ok(layout.id === null || layout.id.startsWith("00h"));
    assert.ok(layout.detailLayoutSections.length > 0);
    for (const { layoutRows } of layout.detailLayoutSections) {
      const items = layoutRows.flatMap(({ layoutItems }) => layoutItems);
      assert.ok(items.every(({ label, layoutComponents }) => typeof label === "string" && Array.isArray(layoutComponents)));
    }
    assert.ok(Array.isArray(layout.editLayoutSections));
    assert.ok(Array.isArray(layout.buttonLayoutSection.detailButtons));
    assert.ok(Array.isArray(layout.quickActionList.quickActionListItems));
    assert.ok(Array.isArray(layout.relatedLists));
  }
  assert.equal(recordTypeMappings[0].recordTypeId, "012000000000000AAA");
  assert.deepEqual(recordTypeSelectorRequired, [false]);
}

function checkCompactLayouts({ compactLayouts, defaultCompactLayoutId, recordTypeCompactLayoutMappings }) {
  assert.equal(compactLayouts[0].name, "SYSTEM");
  for (const { objectType, actions, fieldItems } of compactLayouts) {
    assert.equal(objectType, "Account");
    assert.ok(Array.isArray(actions));
    assert.ok(fieldItems.length > 0);
  }
  assert.equal(defaultCompactLayoutId, null);
  assert.equal(recordTypeCompactLayoutMappings.length, 1);
}

test("a list view is listed, described, carried out and explained", async () => {
  const { listviews } = await accounts.listviews();
  const [{ id, label, describeUrl, resultsUrl, soqlCompatible }] = listviews;
  assert.deepEqual([label, soqlCompatible], ["All Accounts", true]);
  for (const address of [describeUrl, resultsUrl]) assert.ok(address.includes(id));
  const view = accounts.listview(id);
  const described = await view.describe();
  assert.deepEqual([described.id, described.sobjectType], [id, "Account"]);
  assert.ok((await conn.query(described.query)).totalSize > 0);
  assert.ok(described.orderBy.length > 0);
  const results = await view.results();
  assert.deepEqual(results.columns, described.columns);
  for (const { label: title, fieldNameOrPath, selectListItem, sortIndex, sortable } of results.columns) {
    for (const text of [title, fieldNameOrPath, selectListItem]) assert.equal(typeof text, "string");
    assert.ok(sortIndex === null || typeof sortIndex === "number");
    assert.equal(typeof sortable, "boolean");
  }
  assert.deepEqual([results.done, results.size, results.id], [true, results.records.length, id]);
  assert.deepEqual(results.records.map(({ columns: [name] }) => name.value), ["Birch", "Maple"]);
  const { plans } = await view.explain();
  assert.equal(plans[0].sobjectType, "Account");
});
