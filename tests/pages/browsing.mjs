// What the scenarios in a browser have in common: a browser, what is a failure, and how a page is looked at.

import { mkdirSync, readFileSync } from "node:fs";
import { spawn } from "node:child_process";
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
const pictures = process.argv[2];
if (pictures) mkdirSync(pictures, { recursive: true });
const failures = [];
let looked = 0;

export const fail = (where, what) => failures.push(`${where}: ${what}`);
export const is = (where, found, wanted) => found === wanted || fail(where, `${found}, and not ${wanted}`);

/** The pages, in a test of the service: it says where they are, and ends when its standard input does. */
export async function serve(test, environment) {
  // The tests were built with these options before, so that nothing is built here.
  const options = ["test", "--workspace", "--all-features", "--locked", "--quiet", "--test", "suite"];
  const cargo = process.env.STAPEL_PAGES_CARGO?.split(" ") ?? options;
  const served = spawn("cargo", [...cargo, "--", "--nocapture", test], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const ended = new Promise((resolve) => served.on("close", resolve));
  const sites = new Map();
  let done = () => {};
  await new Promise((resolve, reject) => {
    createInterface({ input: served.stdout }).on("line", (line) => {
      const [word, name, address] = line.split(" ");
      if (word === "SITE") sites.set(name, address);
      if (word === "READY") resolve();
      if (word === "DONE") done();
    });
    ended.then((status) => reject(new Error(`the test that serves the pages ended with status ${status}`)));
  });
  /** Has the test do what a line says. */
  const tell = (line) =>
    new Promise((resolve, reject) => {
      done = resolve;
      ended.then(() => reject(new Error(`the test that serves the pages ended at: ${line}`)));
      served.stdin.write(`${line}\n`);
    });
  const stop = async () => {
    served.stdin.end();
    await ended;
  };
  return { sites, tell, stop };
}

/** Debian's Chromium. Of its own sandbox nothing is needed for pages of this machine, and root has none. */
export const launch = () => chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });

/** A page of a browser of its own: what it has to complain of is a failure, and so is what is fetched from elsewhere. */
export async function fresh(browser, site) {
  const context = await browser.newContext({ viewport: SCREENS[1], locale: "nl-NL" });
  const page = await context.newPage();
  page.on("pageerror", (error) => fail(page.url(), `a script failed: ${error}`));
  page.on("dialog", () => fail(page.url(), "a script ran"));
  page.on("console", (message) => {
    // A provider's own pages are as they are; and a refusal is a status that the browser tells of.
    const isOurs = (message.location().url || page.url()).startsWith(site) && !/status of 40[349]/.test(message.text());
    if (isOurs) fail(page.url(), `the browser says: ${message.text()}`);
  });
  page.on("request", (request) => {
    const from = request.frame().url();
    if (from.startsWith(site) && !request.isNavigationRequest() && !request.url().startsWith(site)) {
      fail(from, `it fetches ${request.url()}`);
    }
  });
  return page;
}

/** Goes with the tab key to what is meant, which shows where it is. */
export async function reach(page, selector) {
  const isThere = () => page.evaluate((one) => document.activeElement.matches(one), selector);
  for (let step = 0; step < 80 && !(await isThere()); step += 1) await page.keyboard.press("Tab");
  if (!(await isThere())) fail(page.url(), `${selector} is not reached by keyboard`);
  const shows = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  if (!shows) fail(page.url(), `where the focus is does not show: ${selector}`);
}

/** Goes there and presses it. */
export async function press(page, selector) {
  await reach(page, selector);
  await page.keyboard.press("Enter");
}

/** Goes to a field, and types into it in the place of what stands there. */
export async function type(page, selector, text) {
  await reach(page, selector);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
}

/** A page as it is now, on each screen, light and dark: rules of axe-core, and nothing that overflows. */
export async function look(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const screen of SCREENS) {
      await page.setViewportSize(screen);
      // A policy of contents stops what is put into the page as a script, and not what the browser's driver runs.
      await page.evaluate(axe);
      const result = await page.evaluate(
        (values) => axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations", "incomplete"] }),
        STANDARDS,
      );
      const at = `${name}-${colorScheme}-${screen.name}`;
      for (const rule of [...result.violations, ...result.incomplete]) {
        for (const node of rule.nodes) fail(at, `${rule.id}: ${rule.help}: ${node.html} ${node.failureSummary ?? ""}`);
      }
      const isWide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
      if (isWide) fail(at, "it is wider than the screen");
      if (pictures) await page.screenshot({ path: `${pictures}/${at}.png`, fullPage: true });
      looked += 1;
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(SCREENS[1]);
}

/** Says what failed, and whether as many pages were looked at as there are to be. */
export function finish(wanted) {
  if (looked !== wanted) fail("all", `${looked} pages were looked at, and not ${wanted}`);
  for (const failure of failures) console.error(failure);
  console.log(`${looked} pages looked at, ${failures.length} failures`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
