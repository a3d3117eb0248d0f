// Pictures of each view in each size and scheme, and the check that nothing is wider than the page.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { that } from './report.mjs';

const SIZES = [[360, 740], [768, 1024], [1440, 900]];

export async function checkSizes({ browser, report, views, folder }) {
  if (folder) mkdirSync(folder, { recursive: true });
  for (const { name, hash, prepare } of views) {
    for (const [width, height] of SIZES) {
      for (const colorScheme of ['light', 'dark']) {
        await report.check(`${name} fits ${width} px, ${colorScheme}`, async () => {
          const page = await browser.page(hash, { width, height, colorScheme });
          await prepare(page);
          await page.waitForTimeout(300);
          if (folder) await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          await page.context().close();
          that(wide <= width, `the page is ${wide} px wide`);
        });
      }
    }
  }
}
