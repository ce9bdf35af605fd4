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

test("layouts, list views and recent records are not emulated, and say so", async () => {
  const calls = [
    accounts.layouts(),
    accounts.compactLayouts(),
    accounts.approvalLayouts(),
    accounts.listviews(),
    accounts.quickActions(),
    conn.recent(2),
  ];
  for (const call of calls) await assert.rejects(call, coded("NOT_EMULATED"));
});
