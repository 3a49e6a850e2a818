// A privacy officer uses the pages by keyboard alone, of a partner that did nothing yet and of one that did much: see
// `run`. They sign in as the one user, so that no provider is needed.

import { fail, finish, fresh, is, launch, look, press, reach, serve, type } from "./browsing.mjs";

const PAGES = ["journal", "dossier", "requests", "removed", "log"];
const TOKEN = "fedcba9876543210fedcba9876543210";

const { sites, stop } = await serve("pages_for_an_officer", { STAPEL_OFFICER: "1" });
const browser = await launch();
await empty(sites.get("empty"));
await filled(sites.get("filled"));
await browser.close();
await stop();
finish(4 * (PAGES.length * 2 + 9));

/** Signs in with the token. */
async function signIn(site, lang) {
  const page = await fresh(browser, site);
  await page.goto(`${site}/${lang}`);
  await type(page, "#token", TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${site}/${lang}`);
  return page;
}

/** Follows the menu. */
async function open(page, site, lang, path) {
  await press(page, `.menu a[href="/${lang}/${path}"]`);
  await page.waitForURL(`${site}/${lang}/${path}`);
  is(path, await page.evaluate(() => document.documentElement.lang), lang);
}

/** Each page where there is nothing yet, in both languages. */
async function empty(site) {
  const page = await signIn(site, "nl");
  for (const lang of ["nl", "en"]) {
    await page.goto(`${site}/${lang}`);
    for (const path of PAGES) {
      await open(page, site, lang, path);
      await look(page, `empty-${path}-${lang}`);
    }
  }
  await page.context().close();
}

/** The officer's month, where there is much. */
async function filled(site) {
  const page = await signIn(site, "nl");

  await open(page, site, "nl", "journal");
  await type(page, "#case", "AUDIT-1");
  await type(page, "#year", "2027");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#found");
  await look(page, "journal-found");
  await press(page, ".further form:first-child button");
  await page.waitForSelector("text=Latere");
  await look(page, "journal-further");
  const download = page.waitForEvent("download");
  await press(page, ".further form:last-child button");
  is("file", (await download).suggestedFilename(), "journaal.csv");
  await type(page, "#year", "26");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]");
  await look(page, "journal-wrong");

  await open(page, site, "nl", "dossier");
  await type(page, "#case", "VERZOEK-7");
  await type(page, "#address", "Dam 1-A, 1012 JS Amsterdam");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#found");
  is("markup that somebody typed", await page.locator("main td b, main td script").count(), 0);
  await look(page, "dossier-found");

  await open(page, site, "nl", "requests");
  await look(page, "requests-some");
  await type(page, "#case", "VERZOEK-7");
  // In which order a date is typed is the browser's own affair.
  await reach(page, "#received");
  await page.fill("#received", "2026-11-30");
  await press(page, "main form button");
  await page.waitForSelector("[role=status]");
  if (!(await page.locator("main table").textContent()).includes("VERZOEK-7")) fail("requests", "it is not noted");
  await look(page, "requests-noted");

  await open(page, site, "nl", "removed");
  await page.waitForSelector("td");
  await look(page, "removed");

  await open(page, site, "nl", "log");
  await press(page, "main form button");
  await page.waitForSelector("[role=status]");
  await look(page, "log-checked");
  await press(page, ".languages a[hreflang=en]");
  await page.waitForURL(`${site}/en/log`);
  await type(page, "#head", "ab".repeat(32));
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]");
  await look(page, "log-other-head");
  await page.context().close();
}
