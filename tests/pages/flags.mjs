// Does a case worker's Monday by keyboard alone, with no flags, ten, and 5,000: see `run`.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SCREENS = [
  { name: "narrow", width: 320, height: 640 },
  { name: "wide", width: 1280, height: 900 },
];
/** The longest that a first view of 5,000 flags may take to be there, in milliseconds. */
const LONGEST_VIEW = 1_000;
const failures = [];
const fail = (where, what) => failures.push(`${where}: ${what}`);
const has = (where, text, part) => text.includes(part) || fail(where, `"${part}" is not in: ${text.slice(0, 600)}`);

// The pages, in a test of the service: it says where they are, and ends when its standard input does.
const options = ["test", "--workspace", "--all-features", "--locked", "--quiet", "--test", "suite"];
const cargo = process.env.STAPEL_PAGES_CARGO?.split(" ") ?? options;
const served = spawn("cargo", [...cargo, "--", "--nocapture", "pages_for_a_case_worker"], {
  stdio: ["pipe", "pipe", "inherit"],
  env: { ...process.env, STAPEL_CASE_WORKER: "1" },
});
const ended = new Promise((resolve) => served.on("close", resolve));
const sites = new Map();
let token;
await new Promise((resolve, reject) => {
  createInterface({ input: served.stdout }).on("line", (line) => {
    const [word, first, second] = line.split(" ");
    if (word === "TOKEN") token = first;
    if (word === "SITE") sites.set(first, second);
    if (word === "READY") resolve();
  });
  ended.then((status) => reject(new Error(`the test that serves the pages ended with status ${status}`)));
});

const pictures = process.argv[2];
if (pictures) mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let looked = 0;
for (const [name, site] of sites) await walk(name, site);
await wholeCase(sites.get("ten"));
await browser.close();
served.stdin.end();
await ended;
for (const failure of failures) console.error(failure);
console.log(`${looked} pages looked at, ${failures.length} failures`);
process.exitCode = failures.length === 0 && looked > 0 ? 0 : 1;

/** Signs in with the token, in a context of its own: what the browser has to complain of is a failure. */
async function signedIn(site, javaScriptEnabled = true) {
  const context = await browser.newContext({ viewport: SCREENS[1], locale: "nl-NL", javaScriptEnabled });
  const page = await context.newPage();
  page.on("pageerror", (error) => fail(page.url(), `a script failed: ${error}`));
  page.on("dialog", () => fail(page.url(), "a script ran"));
  page.on("console", (message) => {
    const isHint = !["error", "warning"].includes(message.type());
    if (!isHint) fail(page.url(), `the browser says: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(site) && !request.url().startsWith("data:")) fail(page.url(), `it fetches ${request.url()}`);
  });
  await page.goto(`${site}/nl`);
  await page.keyboard.press("Tab");
  await page.fill("#token", token);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${site}/nl`);
  return page;
}

/** Each page in both languages, light and dark, narrow and wide. */
async function walk(name, site) {
  const page = await signedIn(site);
  const began = Date.now();
  await page.goto(`${site}/nl`);
  const took = Date.now() - began;
  console.log(`${name}: the first page was there after ${took} ms`);
  if (took > LONGEST_VIEW) fail(name, `the first page took ${took} ms`);
  for (const path of (await page.locator(".menu a").evaluateAll((all) => all.map((one) => one.pathname.slice(3))))) {
    if (path === "/journal") continue;
    for (const lang of ["nl", "en"]) {
      await page.goto(`${site}/${lang}${path}`);
      await look(page, `${name}${path.replace("/", "-") || "-monday"}-${lang}`);
    }
  }
  await page.context().close();
}

/**
 * What of a map has too little contrast: a number with the sign behind it less than 4.5 (WCAG 1.4.3), a sign with the
 * ground of the map less than 3 (1.4.11), or a number that is wider than its sign. It runs in the page.
 */
function contrastsOfMap() {
  const of = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
    if (alpha !== 1) throw new Error(`${color} is not of one colour`);
    const linear = (part) => (part <= 10.31475 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const contrast = (one, other) => (Math.max(of(one), of(other)) + 0.05) / (Math.min(of(one), of(other)) + 0.05);
  const found = [];
  const measure = (what, one, other, least) => {
    const between = contrast(one, other);
    if (between < least) found.push(`${what}: its contrast is ${between.toFixed(2)}, and not ${least} (${one}, ${other})`);
  };
  for (const map of document.querySelectorAll(".map")) {
    const ground = getComputedStyle(map).backgroundColor;
    const style = (one) => getComputedStyle(one);
    for (const sign of map.querySelectorAll(".stack")) {
      const [box, text] = [sign.querySelector("rect"), sign.querySelector("text")];
      const number = `number ${text.textContent}`;
      measure(number, style(text).fill, style(box).fill, 4.5);
      measure(`the edge of ${number}`, style(box).stroke, ground, 3);
      const [inner, outer] = [text.getBBox(), box.getBBox()];
      if (inner.x < outer.x || inner.x + inner.width > outer.x + outer.width) found.push(`${number} is wider than its sign`);
    }
    for (const own of map.querySelectorAll(".own")) measure("an own flag", style(own).stroke, ground, 3);
    for (const other of map.querySelectorAll(".around")) measure("another address", style(other).fill, ground, 3);
  }
  return found;
}

/** A page as it is now, on each screen, light and dark: rules of axe-core, and nothing that overflows. */
async function look(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const screen of SCREENS) {
      await page.setViewportSize(screen);
      await page.evaluate(axe);
      const result = await page.evaluate(
        (values) => axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations", "incomplete"] }),
        STANDARDS,
      );
      const at = `${name}-${colorScheme}-${screen.name}`;
      // What stands behind a number on a map axe-core cannot tell: that is measured.
      const isOfMap = (rule, node) => rule.id === "color-contrast" && node.html.startsWith("<text ");
      const unsure = result.incomplete.map((rule) => ({ ...rule, nodes: rule.nodes.filter((one) => !isOfMap(rule, one)) }));
      for (const low of await page.evaluate(contrastsOfMap)) fail(at, low);
      for (const rule of [...result.violations, ...unsure]) {
        for (const node of rule.nodes) fail(at, `${rule.id}: ${rule.help}: ${node.html} ${node.failureSummary ?? ""}`);
      }
      const wide = await page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        const isUnseen = (one) => one.closest(".skip, .unseen, thead, .map");
        const all = [...document.querySelectorAll("body *")];
        return all.filter((one) => one.getBoundingClientRect().right > width + 0.5 && !isUnseen(one)).map((one) => one.outerHTML.slice(0, 90));
      });
      if (wide.length > 0) fail(at, `it is wider than the screen: ${wide.slice(0, 3).join("; ")}`);
      if (pictures) await page.screenshot({ path: `${pictures}/${at}.png`, fullPage: true });
      looked += 1;
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(SCREENS[1]);
}

/** Goes with the tab key to what is meant, which shows where it is. */
async function reach(page, selector) {
  const isThere = () => page.evaluate((one) => document.activeElement.matches(one), selector);
  for (let step = 0; step < 120 && !(await isThere()); step += 1) await page.keyboard.press("Tab");
  if (!(await isThere())) fail(page.url(), `${selector} is not reached by keyboard`);
  const shows = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  if (!shows) fail(page.url(), `where the focus is does not show: ${selector}`);
}

/** Presses what leads to another page, and waits for that. */
async function press(page, selector) {
  await reach(page, selector);
  await leave(page, () => page.keyboard.press("Enter"));
}

async function leave(page, act) {
  const loaded = page.waitForEvent("load");
  await act();
  await loaded;
}

async function type(page, selector, text) {
  await reach(page, selector);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(text);
}

/** A spreadsheet: what is wrong, its columns, and what would be flagged. */
async function sheet(page, main) {
  const give = async (text) => {
    const buffer = Buffer.from(text);
    await page.setInputFiles("#file", { name: "adressen.csv", mimeType: "text/csv", buffer });
    await type(page, "#sheet-case", "Z-TOETS");
    await press(page, "form[enctype] button");
  };
  await press(page, "form[enctype] button");
  has("no file", await main(), "Kies een bestand dat niet leeg is.");
  await look(page, "sheet-wrong");
  await give("plek\nWarmoesstraat 7, 1012 JD\n");
  has("not certain", await main(), "Dit bestand is nog niet te lezen.");
  await look(page, "sheet-not-certain");
  await page.selectOption("#column-0", "adres");
  await press(page, "button[value=read]");
  has("said", await main(), "Zo is het gelezen");
  await press(page, ".menu a[href='/nl/flag']");
  await give("adres\nWarmoesstraat 7, 1012 JD\nKerkplein\n");
  has("columns", await main(), "De kolommen kloppen, verder");
  await look(page, "sheet-columns");
  await press(page, "button[value=ask]");
  has("asked of a sheet", await main(), "Wilt u dit melden?");
  await press(page, ".actions button");
  has("sheet done", await main(), "Gedaan");
}

/** A case by keyboard alone, from flagging to withdrawing. No page has a script. */
async function wholeCase(site) {
  const page = await signedIn(site);
  const main = () => page.locator("main").innerText();
  await press(page, ".menu a[href='/nl/flag']");
  await press(page, "main button[type=submit]");
  has("nothing typed", await main(), "Er is nog niets gedaan.");
  await look(page, "flag-wrong");
  await reach(page, ".alert a");
  await page.keyboard.press("Enter");
  if ((await page.evaluate(() => document.activeElement.id)) !== "case") fail("summary", "its link does not lead to the field");
  await type(page, "#case", "Z-TOETS");
  await type(page, "#addresses", "Warmoesstraat 5-2, 1012 JD\nKerkplein\n<script>alert(1)</script>");
  await press(page, "main form:last-of-type button[type=submit]");
  has("asked", await main(), "Wilt u dit melden?");
  await look(page, "flag-asked");
  await press(page, ".actions button");
  has("done", await main(), "Gedaan");
  await look(page, "flag-done");
  // The browser sends the same form again.
  await page.reload();
  has("twice", await main(), "Dit was al gedaan, één keer");
  await page.goto(`${site}/nl/flag`);
  has("refused", await main(), "Geweigerd, om te herstellen: 2");
  await look(page, "flag-refused");
  await sheet(page, main);
  await press(page, ".menu a[href='/nl/flags']");
  await type(page, "#q", "warmoes 5");
  await leave(page, () => page.keyboard.press("Enter"));
  has("found", await main(), "Alle meldingen: 1");
  if (page.url().includes("warmoes")) fail("search", "an address is in the history");
  await reach(page, "#row-0");
  await page.keyboard.press("Space");
  await type(page, "#case", "Z-TOETS");
  await press(page, "button[value=withdraw]");
  has("asked to withdraw", await main(), "Wilt u deze meldingen intrekken?");
  await look(page, "withdraw-asked");
  await press(page, ".actions button");
  has("withdrawn", await main(), "Ingetrokken");
  await page.goto(`${site}/nl/flags`);
  await page.emulateMedia({ media: "print" });
  if (pictures) await page.screenshot({ path: `${pictures}/print.png`, fullPage: true });
  if (await page.locator(".search, .acting, .menu").first().isVisible()) fail("print", "what cannot be used is printed");
  await page.context().close();
}
