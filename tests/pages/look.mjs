// Looks at the pages that the test `pages_for_a_browser` serves: see `run`.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// 320 pixels is the width to which WCAG 1.4.10 has a page of 1280 at four times its size come down.
const SCREENS = [
  { name: "narrow", width: 320, height: 640 },
  { name: "wide", width: 1280, height: 900 },
];
const failures = [];
const fail = (page, what) => failures.push(`${page}: ${what}`);

// The brokers, in a test of the service: it says where they are, and ends when its standard input does. The tests were
// built with these options before, so that nothing is built here.
const options = ["test", "--workspace", "--all-features", "--locked", "--quiet", "--test", "suite"];
const cargo = process.env.STAPEL_PAGES_CARGO?.split(" ") ?? options;
const served = spawn("cargo", [...cargo, "--", "--nocapture", "pages_for_a_browser"], {
  stdio: ["pipe", "pipe", "inherit"],
  env: { ...process.env, STAPEL_PAGES: "1" },
});
const ended = new Promise((resolve) => served.on("close", resolve));
const pages = new Map();
await new Promise((resolve, reject) => {
  createInterface({ input: served.stdout }).on("line", (line) => {
    const [word, name, address] = line.split(" ");
    if (word === "PAGE") pages.set(name, address);
    if (word === "READY") resolve();
  });
  ended.then((status) => reject(new Error(`the test that serves the pages ended with status ${status}`)));
});

const pictures = process.argv[2];
if (pictures) mkdirSync(pictures, { recursive: true });
// Of Chromium's own sandbox nothing is needed for pages of this machine, and root has none.
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let looked = 0;
for (const [state, address] of pages) {
  for (const lang of ["nl", "en"]) {
    for (const colorScheme of ["light", "dark"]) {
      for (const screen of SCREENS) {
        await look(`${state}-${lang}-${colorScheme}-${screen.name}`, `${address}?lang=${lang}`, screen, colorScheme);
      }
    }
  }
  await walk(`${state} by keyboard`, `${address}?lang=en`);
}
await prefers([...pages.values()][0]);
await browser.close();
served.stdin.end();
await ended;

if (pages.size < 3 || looked !== pages.size * 8) fail("all", `${looked} pages of ${pages.size} brokers were looked at`);
for (const failure of failures) console.error(failure);
console.log(`${looked} pages looked at, ${failures.length} failures`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** A page on a screen: rules of axe-core, nothing that overflows, nothing that the browser refuses. */
async function look(name, address, screen, colorScheme) {
  const context = await browser.newContext({ viewport: screen, colorScheme, javaScriptEnabled: true });
  const page = await context.newPage();
  page.on("console", (message) => fail(name, `the browser says: ${message.text()}`));
  page.on("pageerror", (error) => fail(name, `a script failed: ${error}`));
  page.on("dialog", () => fail(name, "a script ran"));
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) fail(name, `it fetches ${request.url()}`);
  });
  const response = await page.goto(address);
  if (response.status() !== 200) fail(name, `status ${response.status()}`);
  // The style is applied although the policy of contents allows one alone.
  const position = await page.evaluate(() => getComputedStyle(document.querySelector(".skip")).position);
  if (position !== "absolute") fail(name, "the page's style was refused");
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await page.evaluate(axe);
  const result = await page.evaluate(
    (values) => axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations", "incomplete"] }),
    STANDARDS,
  );
  for (const rule of [...result.violations, ...result.incomplete]) {
    for (const node of rule.nodes) fail(name, `${rule.id}: ${rule.help}: ${node.html} ${node.failureSummary ?? ""}`);
  }
  const overflowing = await page.evaluate(wider);
  if (overflowing) fail(name, `it is wider than the screen: ${overflowing}`);
  // WCAG 1.4.12: more room between lines, letters and words takes nothing away.
  await page.evaluate(() => {
    for (const one of document.querySelectorAll("body *")) {
      Object.assign(one.style, { lineHeight: 1.5, letterSpacing: ".12em", wordSpacing: ".16em" });
    }
  });
  const spaced = await page.evaluate(wider);
  if (spaced) fail(name, `with wider text it is wider than the screen: ${spaced}`);
  await page.reload();
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  looked += 1;
  await context.close();
}

/** In the page: what of it is wider than the screen, if anything is. */
function wider() {
  const width = document.documentElement.clientWidth;
  const isWide = (one) => one.getBoundingClientRect().right > width + 0.5 && !one.closest(".skip");
  const wide = [...document.querySelectorAll("body *")].filter(isWide).map((one) => one.outerHTML.slice(0, 90));
  return document.documentElement.scrollWidth > width || wide.length > 0 ? wide.join("; ") || "nothing by itself" : null;
}

/** Goes through a page with the tab key alone: the skip link first, then in reading order, each place to be seen. */
async function walk(name, address) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(address);
  const focusable = await page.evaluate(() => document.querySelectorAll("a[href], summary").length);
  const places = [];
  for (let step = 0; step < focusable; step += 1) {
    await page.keyboard.press("Tab");
    places.push(
      await page.evaluate(() => {
        const one = document.activeElement;
        const style = getComputedStyle(one);
        const box = one.getBoundingClientRect();
        return {
          what: one.outerHTML.slice(0, 60),
          order: [...document.querySelectorAll("a[href], summary")].indexOf(one),
          isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
          isOnScreen: box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.width > 0,
          isLarge: box.height >= 24 || style.display === "inline",
        };
      }),
    );
  }
  places.forEach((place, at) => {
    if (place.order !== at) fail(name, `place ${at} is ${place.what}`);
    if (!place.isSeen) fail(name, `where the focus is does not show: ${place.what}`);
    if (!place.isOnScreen) fail(name, `the focus is off the screen: ${place.what}`);
    if (!place.isLarge) fail(name, `it is less than 24 pixels high: ${place.what}`);
  });
  await page.goto(address);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const after = await page.evaluate(() => document.activeElement.id);
  if (after !== "main") fail(name, `the skip link leads to "${after}"`);
  await page.keyboard.press("Tab");
  const next = await page.evaluate(() => document.activeElement.closest("main") !== null);
  if (!next) fail(name, "after the skip link the focus is not in the content");
  // The policy opens and closes with the space bar.
  await page.focus("summary");
  for (const wanted of [true, false]) {
    await page.keyboard.press("Space");
    if ((await page.evaluate(() => document.querySelector("details").open)) !== wanted) fail(name, "the policy stays");
  }
  await page.close();
}

/** Without `?lang` a browser gets the language that it prefers; the link to the other one leads there. */
async function prefers(address) {
  for (const [locale, other] of [["en-GB", "nl"], ["nl-NL", "en"]]) {
    const page = await browser.newPage({ locale });
    await page.goto(address);
    const lang = () => page.evaluate(() => document.documentElement.lang);
    if (!locale.startsWith(await lang())) fail("language", `${locale} gets ${await lang()}`);
    await page.click(`header a[hreflang=${other}]`);
    if ((await lang()) !== other) fail("language", `the link to ${other} leads to ${await lang()}`);
    await page.close();
  }
}
