// What outlives a reload. Storage may be full or forbidden; then the page works and only forgets.

const PREFIX = 'similar-tracks.';

export function recall(name, otherwise) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Nothing to be done, and nothing the listener could do either.
  }
}
