/* Opens reports in a real browser, from the file system and without a network, and looks at what a
   reader would see. Screenshots are kept.

   node check.mjs CHROMIUM OUTPUT_DIR REPORT.html... */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const [executablePath, output, ...reports] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZE_MAX = 2_000_000;
mkdirSync(output, { recursive: true });

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let checkCount = 0;

/* A page of a context of its own. What it complains about and asks the network for is an error. */
async function open(report, options = {}) {
  const context = await browser.newContext({ offline: true, bypassCSP: false, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) complaints.push(request.url());
  });
  await page.goto(pathToFileURL(report).href);
  return { page, close: async () => {
    await context.close();
    assert.deepEqual(complaints, [], report);
  } };
}

async function check(report, name, options, look) {
  const { page, close } = await open(report, options);
  try {
    await look(page);
  } catch (error) {
    await page.screenshot({ path: join(output, "failed.png") });
    throw new Error(`${report}: ${name}: ${error.message}`, { cause: error });
  }
  await close();
  checkCount += 1;
}

/* Every chart has a size, and its texts lie inside it and on none of the others. */
const chartsAreLegible = () => {
  const problems = [];
  for (const figure of document.querySelectorAll("figure")) {
    const svg = figure.querySelector("svg");
    const box = svg.getBoundingClientRect();
    if (box.width < 250 || box.height < 80) problems.push(`${figure.id}: ${box.width} px wide`);
    const texts = [...svg.querySelectorAll("text")].map((text) => [
      text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([words, a], i) => {
      if (a.left < box.left - 1 || box.right + 1 < a.right || a.top < box.top - 1
        || box.bottom + 1 < a.bottom) problems.push(`${figure.id}: "${words}" leaves the chart`);
      for (const [other, b] of texts.slice(i + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const along = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        /* Boxes hold room above capitals and below descenders, a third of their height. */
        if (1 < across && 0.4 * Math.min(a.height, b.height) < along) {
          problems.push(`${figure.id}: "${words}" stands on "${other}"`);
        }
      }
    });
  }
  return problems;
};

/* Nothing but what scrolls by itself is wider than the page. */
const isTooWide = () => document.documentElement.scrollWidth - innerWidth;

for (const report of reports.map((path) => resolve(path))) {
  const name = basename(dirname(report));
  const shot = (page, what, options = {}) =>
    page.screenshot({ path: join(output, `${name}-${what}.png`), ...options });
  assert(statSync(report).size <= SIZE_MAX, `${report} is too large`);

  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1200, 400]) {
      const options = { colorScheme, viewport: { width, height: 900 } };
      await check(report, `${colorScheme} ${width}`, options, async (page) => {
        assert.deepEqual(await page.evaluate(chartsAreLegible), []);
        assert(await page.evaluate(isTooWide) <= 0, "the page scrolls sideways");
        const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(paper, colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(22, 26, 32)");
        await shot(page, `${colorScheme}-${width}`, { fullPage: true });
        if (width === 1200) {
          await page.evaluate(axe);
          const found = await page.evaluate(() => axe.run());
          const serious = found.violations.filter(({ impact }) =>
            ["serious", "critical"].includes(impact));
          const told = serious.map(({ id, nodes }) =>
            `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`);
          assert.deepEqual(told, [], "accessibility");
        }
      });
    }
  }

  await check(report, "hover", { viewport: { width: 1200, height: 900 } }, async (page) => {
    const timed = page.locator("figure[data-plots]");
    const count = await timed.count();
    if (count === 0) return;
    await timed.first().scrollIntoViewIfNeeded();
    const box = await timed.first().locator("svg").boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.waitForSelector(".hint:not([hidden])");
    const hint = await page.locator(".hint").innerText();
    assert.match(hint, /^\d+(\.\d+)? s\n/);
    const pointed = await page.locator("figure:has(line.cursor)").count();
    assert.equal(pointed, count, "every chart over time has the cursor");
    await shot(page, "hover");

    /* A drag zooms all charts over time, and Escape ends it. */
    const x = (share) => box.x + box.width * share;
    const y = box.y + box.height / 2;
    await page.mouse.move(x(0.4), y);
    await page.mouse.down();
    await page.mouse.move(x(0.5), y, { steps: 4 });
    await page.mouse.up();
    const wide = (await timed.first().locator("svg").boundingBox()).width;
    assert(3 * box.width < wide, `zoomed from ${box.width} to ${wide}`);
    await shot(page, "zoom");
    await page.keyboard.press("Escape");
    const again = await timed.first().locator("svg").boundingBox();
    assert.equal(again.width, box.width);
  });

  await check(report, "sort", {}, async (page) => {
    const table = page.locator("section table:has(tbody tr:nth-child(3)):visible").first();
    const numbers = async () => (await table.locator("tbody td:nth-child(2)").allInnerTexts())
      .map((text) => parseFloat(text.replaceAll(",", "")));
    await table.locator("th:nth-child(2) button").click();
    const rising = await numbers();
    assert.deepEqual(rising, [...rising].sort((a, b) => a - b));
    await table.locator("th:nth-child(2) button").click();
    assert.deepEqual(await numbers(), rising.reverse());
  });

  await check(report, "replay", { viewport: { width: 1200, height: 900 } }, async (page) => {
    const replay = page.locator("#replay");
    if (await replay.count() === 0) return;
    await replay.scrollIntoViewIfNeeded();
    const slider = replay.locator("input[type=range]");
    const at = async () => Number(await slider.inputValue());
    const first = await at();
    await replay.getByRole("button", { name: "Step forward" }).click();
    assert(first < await at(), "a step goes on");
    const stepped = await at();
    await replay.getByRole("button", { name: "Play" }).click();
    await page.waitForFunction((from) =>
      from < Number(document.querySelector("#replay input").value), stepped);
    await replay.getByRole("button", { name: "Pause" }).click();
    const paused = await at();
    await page.waitForTimeout(100);
    assert.equal(await at(), paused, "a pause holds");
    await slider.fill(String(await slider.getAttribute("min")));
    assert.equal(await at(), 0, "the slider goes anywhere");
    const bars = await replay.locator("rect.load").count();
    assert(0 < bars, "instances are shown");
    await slider.fill(String(first));
    await shot(page, "replay");
  });

  await check(report, "variants", { viewport: { width: 1200, height: 900 } }, async (page) => {
    const boxes = page.locator("#variants input");
    if (await boxes.count() === 0) return;
    const name = (await page.locator("#variants label").first().innerText()).trim();
    const rows = page.locator("table:has(th:has-text('variant')) tbody tr:visible",
      { has: page.locator(`td:text-is("${name}")`) });
    const before = await rows.count();
    assert(0 < before, `${name} stands in the tables`);
    await boxes.first().uncheck();
    assert.equal(await rows.count(), 0, `${name} is hidden`);
    assert(0 < await page.locator("rect.veil").count(), `${name} is covered in charts`);
    await shot(page, "variants", { fullPage: true });
    await boxes.first().check();
    assert.equal(await rows.count(), before);
    assert.equal(await page.locator("rect.veil").count(), 0);
  });

  await check(report, "without scripts", { javaScriptEnabled: false }, async (page) => {
    const figures = page.locator("figure");
    assert(2 < await figures.count());
    assert(await figures.first().isVisible());
    await page.locator("figure details summary").first().click();
    assert(await page.locator("figure table").first().isVisible(), "numbers can be opened");
    assert(!await page.locator("#replay-part").isVisible(), "no empty replay");
    await shot(page, "no-script");
  });

  /* On paper: light, no chart cut by a page, nothing that only scripts can use. */
  await check(report, "print", { colorScheme: "dark" }, async (page) => {
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(paper, "rgb(255, 255, 255)");
    await page.setViewportSize({ width: 718, height: 1047 });
    const tall = await page.evaluate(() => [...document.querySelectorAll("figure svg")]
      .map((svg) => svg.getBoundingClientRect().height));
    assert(tall.every((height) => height < 1000), `a chart is higher than a page: ${tall}`);
    assert.deepEqual(await page.evaluate(chartsAreLegible), []);
    const kept = await page.evaluate(() => [...document.querySelectorAll("figure")]
      .every((figure) => getComputedStyle(figure).breakInside === "avoid"));
    assert(kept, "charts are kept whole");
    const pdf = await page.pdf({ format: "A4", margin: { top: "15mm", bottom: "15mm" } });
    assert(10_000 < pdf.length);
    writeFileSync(join(output, `${name}.pdf`), pdf);
  });
}

await browser.close();
console.log(`${checkCount} checks of ${reports.length} reports passed; see ${output}`);
