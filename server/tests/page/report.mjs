// Runs checks one after the other and writes a line for each.

export class Report {
  passed = 0;
  failed = 0;

  async check(name, run) {
    try {
      const told = await run();
      this.passed += 1;
      console.log(`ok ${name}${told ? ` (${told})` : ''}`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAILED ${name}: ${String(error.message).split('\n').slice(0, 4).join(' | ')}`);
    }
  }
}

export function that(isTrue, otherwise) {
  if (!isTrue) throw new Error(otherwise);
}

export function equal(found, wanted, what) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: found ${left}, wanted ${right}`);
}
