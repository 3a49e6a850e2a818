// Signs in at a real OpenID Connect provider, uses a partner's pages and signs out, by keyboard alone: see `run`.

import { createServer } from "node:http";
import Provider from "oidc-provider";
import { finish, fresh, is, launch, look, press, serve } from "./browsing.mjs";

// What the provider has to say is for whoever would run it.
console.info = console.warn = () => {};
// The provider listens before it knows its client: the pages ask it for nothing until somebody signs in.
let answer = (_, response) => response.writeHead(503).end();
const listener = createServer((request, response) => answer(request, response));
await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${listener.address().port}`;

const { sites, stop } = await serve("pages_to_sign_in_at", { STAPEL_SIGN_IN: issuer });
const site = sites.get("pages");

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

const browser = await launch();
await refused();
await used();
await endedThere();
await browser.close();
await stop();
listener.close();
listener.closeAllConnections();
finish(36);

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

/** Somebody without a role is not let in. */
async function refused() {
  const page = await fresh(browser, site);
  await signIn(page, "a.nobody", "/nl");
  is("without a role", await page.locator("code").textContent(), "no_right");
  await look(page, "refused");
  is("without a session", (await page.goto(`${site}/nl`)).url(), `${site}/nl/sign-in?to=%2Fnl`);
  await page.context().close();
}

/** Somebody signs in, looks in both languages, searches, and signs out here and at the provider. */
async function used() {
  const page = await fresh(browser, site);
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
  await page.waitForSelector("td:has-text('AUDIT-1')");
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
  const page = await fresh(browser, site);
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
