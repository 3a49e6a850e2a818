// Signs in at a real OpenID Connect provider, uses a partner's pages and signs out, by keyboard alone: see `run`.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import Provider from "oidc-provider";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SCREENS = [
  { name: "narrow", width: 320, height: 640 },
  { name: "wide", width: 1280, height: 900 },
];
// What the provider has to say is for whoever would run it.
console.info = console.warn = () => {};
const failures = [];
const fail = (where, what) => failures.push(`${where}: ${what}`);
const is = (where, found, wanted) => found === wanted || fail(where, `${found}, and not ${wanted}`);

// The provider listens before it knows its client: the pages ask it for nothing until somebody signs in.
let answer = (_, response) => response.writeHead(503).end();
const listener = createServer((request, response) => answer(request, response));
await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${listener.address().port}`;

// The pages, in a test of the service: it says where they are, and ends when its standard input does.
const options = ["test", "--workspace", "--all-features", "--locked", "--quiet", "--test", "suite"];
const cargo = process.env.STAPEL_PAGES_CARGO?.split(" ") ?? options;
const served = spawn("cargo", [...cargo, "--", "--nocapture", "pages_to_sign_in_at"], {
  stdio: ["pipe", "pipe", "inherit"],
  env: { ...process.env, STAPEL_SIGN_IN: issuer },
});
const ended = new Promise((resolve) => served.on("close", resolve));
const site = await new Promise((resolve, reject) => {
  createInterface({ input: served.stdout }).on("line", (line) => {
    const [word, address] = line.split(" ");
    if (word === "SITE") resolve(address);
  });
  ended.then((status) => reject(new Error(`the test that serves the pages ended with status ${status}`)));
});

const ROLES = { "j.jansen": ["stapel-look"], "f.officer": ["stapel-look", "stapel-officer"], "a.nobody": ["another"] };
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "stapel",
      client_secret: "a-secret-of-the-client-0123456789",
      redirect_uris: [`${site}/sign-in/return`],
      post_logout_redirect_uris: [`${site}/signed-out`],
      backchannel_logout_uri: `${site}/sign-out/back-channel`,
      backchannel_logout_session_required: true,
    },
  ],
  features: { backchannelLogout: { enabled: true } },
  // By itself it asks nothing of this machine, where the pages are here.
  fetch: (address, { dispatcher: _, ...rest }) => fetch(address, rest),
  pkce: { required: () => true },
  claims: { openid: ["sub", "name", "stapel_roles"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["a key of a test"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `<b>${id}</b>`, stapel_roles: ROLES[id] ?? [] }),
  }),
});
answer = provider.callback();

const pictures = process.argv[2];
if (pictures) mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let looked = 0;

await refused();
await used();
await endedThere();
await browser.close();
served.stdin.end();
await ended;
listener.close();
listener.closeAllConnections();
if (looked !== 36) fail("all", `${looked} pages were looked at, and not 36`);
for (const failure of failures) console.error(failure);
console.log(`${looked} pages looked at, ${failures.length} failures`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** A context of a browser: what it has to complain of is a failure, and so is what is fetched from elsewhere. */
async function fresh() {
  const context = await browser.newContext({ viewport: SCREENS[1], locale: "nl-NL" });
  const page = await context.newPage();
  page.on("pageerror", (error) => fail(page.url(), `a script failed: ${error}`));
  page.on("dialog", () => fail(page.url(), "a script ran"));
  page.on("console", (message) => {
    // The provider's own pages are as they are; and a refusal is a status that the browser tells of.
    const isOurs = message.location().url.startsWith(site) && !/status of 40[34]/.test(message.text());
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

/** Goes to the provider and signs in there under a name. */
async function signIn(page, name, start) {
  await page.goto(`${site}${start}`);
  await press(page, "a.button");
  await page.waitForURL(`${issuer}/**`);
  await page.fill("input[name=login]", name);
  await page.fill("input[name=password]", "anything");
  await page.keyboard.press("Enter");
  await page.waitForURL(/consent|interaction|sign-in|nl|en/);
  const consent = page.locator("button[type=submit]");
  if (page.url().startsWith(issuer)) await consent.first().click();
  await page.waitForURL(`${site}/**`);
}

/** Goes with the tab key to what is meant, which shows where it is, and presses it. */
async function press(page, selector) {
  const isThere = () => page.evaluate((one) => document.activeElement.matches(one), selector);
  for (let step = 0; step < 60 && !(await isThere()); step += 1) await page.keyboard.press("Tab");
  if (!(await isThere())) fail(page.url(), `${selector} is not reached by keyboard`);
  const shows = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  if (!shows) fail(page.url(), `where the focus is does not show: ${selector}`);
  await page.keyboard.press("Enter");
}

/** A page as it is now, on each screen, light and dark: rules of axe-core, and nothing that overflows. */
async function look(page, name) {
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

/** Somebody without a role is not let in. */
async function refused() {
  const page = await fresh();
  await signIn(page, "a.nobody", "/nl");
  is("without a role", await page.locator("code").textContent(), "no_right");
  await look(page, "refused");
  is("without a session", (await page.goto(`${site}/nl`)).url(), `${site}/nl/sign-in?to=%2Fnl`);
  await page.context().close();
}

/** Somebody signs in, looks in both languages, searches, and signs out here and at the provider. */
async function used() {
  const page = await fresh();
  await page.goto(`${site}/en/journal`);
  is("to sign in first", page.url(), `${site}/en/sign-in?to=%2Fen%2Fjournal`);
  await look(page, "sign-in");
  await signIn(page, "f.officer", "/en/journal");
  is("after signing in", page.url(), `${site}/en/journal`);
  await look(page, "journal");
  await page.fill("#case", "AUDIT-1");
  await press(page, "main button[type=submit]");
  await page.waitForSelector("#found");
  await page.fill("#case", "AUDIT-2");
  await press(page, "main button[type=submit]");
  await page.waitForSelector("td:text('AUDIT-1')");
  await look(page, "found");
  await page.fill("#case", "AUDIT-3");
  await page.fill("#address", "Kerkplein");
  await press(page, "main button[type=submit]");
  await page.waitForSelector("[role=alert]");
  await look(page, "wrong");
  await press(page, ".menu a");
  await page.waitForURL(`${site}/en`);
  await look(page, "start-en");
  await press(page, "a[hreflang=nl]");
  await page.waitForURL(`${site}/nl`);
  is("language", await page.evaluate(() => document.documentElement.lang), "nl");
  is("a name that is markup", await page.locator("main b").count(), 0);
  await look(page, "start-nl");
  const cookies = await page.context().cookies(site);
  const own = cookies.filter((cookie) => cookie.name.startsWith("__Host-"));
  is("cookies", own.length, 1);
  is("its flags", own.every((one) => one.httpOnly && one.secure && one.sameSite === "Lax"), true);
  await page.goto(`${site}/nl/nothing`);
  is("no page", await page.locator("code").textContent(), "not_found");
  await look(page, "nothing");
  await page.goto(`${site}/nl`);
  await press(page, ".who button");
  await page.waitForURL(`${issuer}/**`);
  await page.locator("button[type=submit]").first().click();
  await page.waitForURL(`${site}/nl/signed-out`);
  await look(page, "signed-out");
  await page.goto(`${site}/nl`);
  is("signed out", page.url(), `${site}/nl/sign-in?to=%2Fnl`);
  // Signed out at the provider too: it asks for a name again.
  await press(page, "a.button");
  await page.waitForSelector("input[name=login]");
  await page.context().close();
}

/** Somebody signs out at the provider alone, which tells the pages by itself. */
async function endedThere() {
  const page = await fresh();
  await signIn(page, "j.jansen", "/nl");
  is("before", page.url(), `${site}/nl`);
  await page.goto(`${issuer}/session/end`);
  await page.locator("button[type=submit]").first().click();
  await page.waitForLoadState();
  for (let tries = 0; tries < 20 && page.url() !== `${site}/nl/sign-in?to=%2Fnl`; tries += 1) {
    await page.waitForTimeout(100);
    await page.goto(`${site}/nl`);
  }
  is("ended there", page.url(), `${site}/nl/sign-in?to=%2Fnl`);
  await page.context().close();
}
