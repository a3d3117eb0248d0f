// A browser, and pages in it that are watched for what must never happen.

import { createRequire } from 'node:module';
import path from 'node:path';

const ARGUMENTS = ['--headless', '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];
// The page's WebGL is drawn by the processor: what runs the tests has no card.
const WEBGL_ARGUMENTS = ['--enable-unsafe-swiftshader', '--use-gl=angle', '--use-angle=swiftshader'];
const PLANE_ARGUMENTS = ['--disable-gpu', '--disable-3d-apis'];

/** A package out of the folder that BROWSER_MODULES names. */
export function modules() {
  const folder = process.env.BROWSER_MODULES;
  if (!folder) throw new Error('Set BROWSER_MODULES to a folder whose node_modules holds playwright-core and axe-core.');
  return createRequire(path.join(path.resolve(folder), 'package.json'));
}

export class Browser {
  constructor(browser, base, hasWebgl) {
    this.hasWebgl = hasWebgl;
    this.browser = browser;
    this.base = base;
    this.complaints = [];
  }

  static async start(base, { hasWebgl = false } = {}) {
    const { chromium } = modules()('playwright-core');
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...ARGUMENTS, ...(hasWebgl ? WEBGL_ARGUMENTS : PLANE_ARGUMENTS)],
    });
    return new Browser(browser, base, hasWebgl);
  }

  /** A page with storage of its own, at a hash of the base. */
  async page(hash = '#/', { width = 1280, height = 900, colorScheme = 'light', ...options } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, colorScheme, ...options });
    const page = await context.newPage();
    if (this.hasWebgl) await page.addInitScript(takeSlowWebgl);
    page.setDefaultTimeout(15000);
    this.#watch(page);
    if (hash !== null) await page.goto(`${this.base}/${hash}`);
    return page;
  }

  #watch(page) {
    const complain = (what) => this.complaints.push(what);
    page.on('pageerror', (error) => complain(`error on the page: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error' && !/Content.Security.Policy/i.test(message.text())) return;
      // The browser itself writes a line for each answer of 404, which is how the server says that a track has no cover.
      if (/\/cover$/.test(message.location().url) && /404/.test(message.text())) return;
      if (page.expected?.test(message.text() + message.location().url)) return;
      complain(`console: ${message.text()} ${message.location().url}`);
    });
    const origin = new URL(this.base).origin;
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (!['blob:', 'data:'].includes(url.protocol) && url.origin !== origin) complain(`request to another origin: ${request.url()}`);
    });
  }

  close() {
    return this.browser.close();
  }
}

/** The page refuses a WebGL that is slow; the one of a machine without a card is, and is to be tested all the same. */
function takeSlowWebgl() {
  const { getContext } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.getContext = function take(kind, options) {
    return getContext.call(this, kind, kind === 'webgl' ? { ...options, failIfMajorPerformanceCaveat: false } : options);
  };
}

/** The server's answers, asked for beside the page. */
export class Api {
  constructor(base) {
    this.base = base;
  }

  async get(path) {
    const response = await fetch(`${this.base}/api/v1/${path}`);
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }
}
