// Four organisations and a coordinator meet over a hit in five browsers, by keyboard alone: what one puts forward the
// others are asked to join, and what they write comes through the broker on later days. See `run`. With STAPEL_MONTH
// they go on for a month, over several addresses.

import { finish, fresh, is, launch, look, press, reach, serve, type } from "./browsing.mjs";

const TOKEN = "fedcba9876543210fedcba9876543210";
const [POLICE, TAX, HOUSING, TOWN_HALL, COORDINATOR] = ["1", "2", "3", "4", "6"];
const DAM = "Dam 1-A, 1012 JS Amsterdam";
const EVIL = "<script>alert(1)</script><b>Belt u mij?</b>";

const { sites, tell, stop } = await serve("pages_to_meet_at", { STAPEL_MEET: "1" });
const browser = await launch();
const people = {};
for (const number of [POLICE, TAX, HOUSING, TOWN_HALL, COORDINATOR]) people[number] = await fresh(browser, sites.get(number));
let looks = 0;

await empty();
await asked();
await introduced();
await decided();
await ended();
if (process.env.STAPEL_MONTH) await month();
await browser.close();
await stop();
finish(4 * looks);

/** Looks at a page, and counts that. */
async function see(page, name) {
  looks += 1;
  await look(page, name);
}

async function days(number) {
  for (let day = 0; day < number; day += 1) await tell("day");
}

/** Presses what is meant, and waits for what is to come of it. */
async function go(page, selector, wanted) {
  await press(page, selector);
  await page.waitForSelector(wanted);
}

/** Comes to a page in a language, for a case; signs in where that is needed: days have passed. */
async function come(number, lang, path, wanted) {
  const [page, site] = [people[number], sites.get(number)];
  await page.goto(`${site}/${lang}${path}`);
  if (page.url().includes("/sign-in")) {
    await type(page, "#token", TOKEN);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${site}/${lang}${path}`);
  }
  is("language", await page.evaluate(() => document.documentElement.lang), lang);
  await type(page, "#case", "Z-<b>2027</b>");
  await page.keyboard.press("Enter");
  await page.waitForSelector(wanted);
  return page;
}

/** The first of those buttons that somebody sees, pressed and confirmed. */
async function confirmed(page, button, name) {
  await go(page, button, ".told");
  if (name) await see(page, name);
  await go(page, "form:has([value=yes]) button", ".result");
}

/** Chooses one of the ways in which it ended. */
async function choose(page, at) {
  await reach(page, "[name=outcome]");
  await page.keyboard.press("Space");
  for (let step = 0; step < at; step += 1) await page.keyboard.press("ArrowDown");
}

/** Nothing was put forward: each page in both languages, before a case is given and after. */
async function empty() {
  const pages = { [POLICE]: ["/asked", "/conversations"], [COORDINATOR]: ["/agenda"] };
  for (const [number, paths] of Object.entries(pages)) {
    for (const path of paths) {
      for (const lang of ["nl", "en"]) {
        const page = await come(number, lang, path, ".case-line");
        await see(page, `empty${path.replace("/", "-")}-${lang}`);
      }
      await people[number].goto(`${sites.get(number)}/nl${path}`);
      await see(people[number], `case${path.replace("/", "-")}`);
    }
  }
  await people[POLICE].goto(`${sites.get(POLICE)}/nl/asked`);
  await type(people[POLICE], "#case", " ");
  await go(people[POLICE], "main button", "[role=alert]");
  await see(people[POLICE], "case-wrong");
}

/** The police put an address forward; two others are asked, and one of them says not now before it joins. */
async function asked() {
  for (const number of [POLICE, TAX, HOUSING]) await tell(`flag ${number} ${DAM}`);
  await days(2);
  await tell(`forward ${POLICE} 1012JS|1|A`);
  await days(2);
  const page = await come(TAX, "nl", "/asked", "button[value=join]");
  await see(page, "asked-nl");
  await confirmed(page, "button[value=join]", "asked-join");
  await see(page, "asked-done");
  const other = await come(HOUSING, "en", "/asked", "button[value=join]");
  await see(other, "asked-en");
  await confirmed(other, "button[value=not_now]", "asked-not-now");
  await go(other, "form:has([value=look]) button", "button[value=join]");
  await confirmed(other, "button[value=join]");
  await go(other, "form:has([value=look]) button", "button[value=take_back]");
  await see(other, "asked-answered");
  const fourth = await come(TOWN_HALL, "nl", "/asked", ".case-line");
  is("who does not flag it is not asked", await fourth.locator("button[value=join]").count(), 0);
  await days(3);
}

/** They read and write. */
async function introduced() {
  const page = await come(POLICE, "nl", "/conversations", "form:has([value=open]) button");
  await see(page, "conversations-nl");
  await go(page, "form:has([value=open]) button", "#notes");
  await see(page, "conversation-nl");
  await press(page, "details:has(#text-text) summary");
  await type(page, "#text-text", "é".repeat(600));
  await go(page, "details[open] button", "[role=alert]");
  await see(page, "conversation-too-long");
  is("the text is kept", (await page.inputValue("#text-text")).length, 600);
  await type(page, "#text-text", EVIL);
  await go(page, "details[open] button", ".told");
  await see(page, "note-confirmed");
  // Pressed, and then sent again: it was done once.
  await go(page, "form:has([value=yes]) button", ".result");
  await page.reload();
  await page.waitForSelector(".result:has-text('al gedaan')");
  await go(page, "form:has([value=open]) button", "#notes");
  is("notes", await page.locator(`.notes .text:text-is("${EVIL}")`).count(), 1);
  is("markup that somebody wrote", await page.locator(".text b, .text script, .case-line b b").count(), 0);
  await press(page, "details:has([name=kind][value=lead]) summary");
  await confirmed(page, "details[open] button", "lead-confirmed");
  await days(2);
  const other = await come(TAX, "en", "/conversations", "#waits-for-us");
  await go(other, "form:has([value=open]) button", "#notes");
  await see(other, "conversation-en");
  is("the other reads it", await other.locator(`.notes .text:text-is("${EVIL}")`).count(), 1);
}

/** The coordinator prints the agenda and decides. */
async function decided() {
  const page = await come(COORDINATOR, "nl", "/agenda", ".item");
  await see(page, "agenda-nl");
  await page.emulateMedia({ media: "print" });
  await see(page, "agenda-printed");
  is("no form is printed", await page.locator("main form:visible").count(), 0);
  const whole = await page.evaluate(() => getComputedStyle(document.querySelector(".item")).breakInside);
  is("a block is whole on paper", whole, "avoid-page");
  await page.emulateMedia({ media: "screen" });
  await see(await come(COORDINATOR, "en", "/agenda", ".item"), "agenda-en");
  await come(COORDINATOR, "nl", "/agenda", ".item");
  await go(page, ".item form button", "#notes");
  await see(page, "agenda-one");
  await press(page, "details:has(#decision-text) summary");
  await type(page, "#decision-text", "Samen op huisbezoek\nAfspraak volgt.");
  await press(page, "details[open] button[type=submit]");
  await page.waitForSelector(".told");
  await see(page, "decision-confirmed");
  await go(page, "form:has([value=yes]) button", ".result");
  await days(2);
  const police = await come(POLICE, "nl", "/conversations", "form:has([value=open]) button");
  await go(police, "form:has([value=open]) button", "#notes");
  await police.waitForSelector(".text:has-text('Samen op huisbezoek')");
  await see(police, "conversation-decided");
}

/** It ends: one says how, the coordinator closes it, one takes back and leaves. */
async function ended() {
  const page = await come(HOUSING, "nl", "/conversations", "form:has([value=open]) button");
  await go(page, "form:has([value=open]) button", "#notes");
  await press(page, "details:has(#outcome-text) summary");
  await choose(page, 0);
  await confirmed(page, "details[open] button[type=submit]", "outcome-confirmed");
  const back = await come(HOUSING, "nl", "/asked", "button[value=take_back]");
  await confirmed(back, "button[value=take_back]", "taken-back");
  await come(HOUSING, "nl", "/conversations", "#ended");
  await see(page, "conversations-ended");
  await go(page, "form:has([value=open]) button", "#notes");
  await press(page, "details:has([name=kind][value=leave]) summary");
  await confirmed(page, "details[open] button", "leave-confirmed");
  await days(2);
  const coordinator = await come(COORDINATOR, "nl", "/agenda", ".item");
  await go(coordinator, ".item form button", "#notes");
  await press(coordinator, "details:has(#outcome-text) summary");
  await choose(coordinator, 3);
  await confirmed(coordinator, "details[open] button[type=submit]");
  await come(COORDINATOR, "nl", "/agenda", ".agenda");
  await go(coordinator, "form:has([value=ended]) button", "h2:has-text('Afgelopen gesprekken')");
  await see(coordinator, "agenda-ended");
}

/** A month over more addresses: on some days one is put forward, and each day all answer, write and decide. */
async function month() {
  const homes = [1, 2, 3, 4, 5].map((number) => [`Kerkstraat ${number}, 1012 JT Amsterdam`, `1012JT|${number}|`]);
  for (const [typed] of homes) {
    for (const number of [POLICE, TAX, HOUSING, TOWN_HALL]) await tell(`flag ${number} ${typed}`);
  }
  await days(2);
  for (let day = 0; day < 28; day += 1) {
    if (day % 5 === 0 && homes[day / 5]) await tell(`forward ${POLICE} ${homes[day / 5][1]}`);
    await days(1);
    for (const number of [TAX, HOUSING, TOWN_HALL]) await join(number, day % 2 ? "nl" : "en");
    for (const number of [POLICE, TAX, HOUSING, TOWN_HALL]) await write(number, day);
    if (day % 7 === 6) await meeting(day);
  }
  const page = await come(POLICE, "nl", "/conversations", ".item");
  is("conversations of the police", await page.locator(".item").count(), homes.length + 1);
  await see(page, "month-conversations");
  const coordinator = await come(COORDINATOR, "nl", "/agenda", ".item");
  is("the agenda", await coordinator.locator(".item").count() >= homes.length, true);
  is("of all the address is known", await coordinator.locator("dd:text-is('nog niet genoemd')").count(), 0);
  await see(coordinator, "month-agenda");
}

/** Joins all that somebody is asked. */
async function join(number, lang) {
  const open = ".item.waits button[value=join]";
  const page = await come(number, lang, "/asked", ".case-line");
  for (let left = await page.locator(open).count(); left > 0; left -= 1) {
    await confirmed(page, open);
    await go(page, "form:has([value=look]) button", ".case-line a");
  }
}

/** Writes in the first conversation that waits. */
async function write(number, day) {
  const page = await come(number, "nl", "/conversations", ".case-line");
  const open = ".item.waits form:has([value=open]) button";
  if ((await page.locator(open).count()) === 0) return;
  await go(page, open, "#notes");
  await press(page, "details:has(#text-text) summary");
  await type(page, "#text-text", `Dag ${day}: wij kijken mee.`);
  await confirmed(page, "details[open] button");
}

/** The coordinator decides on all that waits. */
async function meeting(day) {
  const page = await come(COORDINATOR, "nl", "/agenda", ".agenda");
  for (let left = await page.locator(".item.waits").count(); left > 0; left -= 1) {
    await go(page, ".item.waits form button", "#notes");
    await press(page, "details:has(#decision-text) summary");
    await type(page, "#decision-text", `Besluit van dag ${day}: volgende week verder.`);
    await confirmed(page, "details[open] button[type=submit]");
    await come(COORDINATOR, "nl", "/agenda", ".agenda");
  }
  is("nothing waits after the meeting", await page.locator(".item.waits").count(), 0);
}
