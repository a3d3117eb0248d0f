// The server's HTTP interface. Addresses are relative, so the page also works below a proxy's path.

const BASE = 'api/v1/';

/** An answer that is no success: what problem+json says, in words that can be shown. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
  }
}

/** Whether a failure only says that we no longer want the answer. */
export function isAborted(error) {
  return error?.name === 'AbortError';
}

function problemOf(status, text) {
  try {
    const { title, detail } = JSON.parse(text);
    if (detail || title) return new Problem(status, detail || title);
  } catch {
    // A proxy in between may answer with a page of its own: then only the status is worth showing.
  }
  return new Problem(status, `The server answered with status ${status}.`);
}

async function request(path, { query, json, method, signal, keepalive } = {}) {
  const wanted = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const address = BASE + path + (wanted.length ? `?${new URLSearchParams(wanted)}` : '');
  const options = { credentials: 'same-origin', signal, keepalive, method: method ?? 'GET', headers: { Accept: 'application/json' } };
  if (json !== undefined) {
    options.method = 'POST';
    options.body = JSON.stringify(json);
    options.headers['Content-Type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (isAborted(error)) throw error;
    throw new Problem(0, 'The server cannot be reached.');
  }
  if (!response.ok) throw problemOf(response.status, await response.text());
  return response.status === 204 ? null : response.json();
}

export const api = {
  tracks: (q, offset, limit, signal) => request('tracks', { query: { q, offset, limit }, signal }),
  track: (id, signal) => request(`tracks/${id}`, { signal }),
  similar: (id, { count, from, to }, signal) => request(`tracks/${id}/similar`, { query: { count, explain: true, from, to }, signal }),
  mix: (seeds, count, signal) => request('similar', { json: { seeds, count }, signal }),
  radio: (wish, signal) => request('radio', { json: wish, signal }),
  path: (from, to, count, signal) => request('path', { query: { from, to, count }, signal }),
  feedback: (query, result, opinion) => request('feedback', { json: { query, result, opinion } }),
  // keepalive: the last play is often told while the page is being closed.
  play: (track, skipped) => request('plays', { json: { track, skipped }, keepalive: true }),
  model: (signal) => request('model', { signal }),
  map: (signal) => request('map', { signal }),
  waveform: (id, points, signal) => request(`tracks/${id}/waveform`, { query: { points }, signal }),
  passages: (id, signal) => request(`tracks/${id}/passages`, { signal }),
  audioAddress: (id) => `${BASE}tracks/${id}/audio`,
  coverAddress: (id) => `${BASE}tracks/${id}/cover`,
  eventsAddress: () => `${BASE}events`,
  upload,
};

/** Sends a file's bytes. XMLHttpRequest, because fetch tells nothing of how far an upload has come. */
function upload(file, { count, onprogress, signal }) {
  const address = `${BASE}similar/upload?${new URLSearchParams({ name: file.name, count, explain: true })}`;
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open('POST', address);
    sending.setRequestHeader('Accept', 'application/json');
    sending.setRequestHeader('Content-Type', 'application/octet-stream');
    sending.upload.addEventListener('progress', (event) => event.lengthComputable && onprogress(event.loaded / event.total));
    sending.addEventListener('error', () => reject(new Problem(0, 'The file could not be sent: the server cannot be reached or ended the transfer.')));
    sending.addEventListener('abort', () => reject(new DOMException('The upload was called off.', 'AbortError')));
    sending.addEventListener('load', () => {
      if (sending.status < 200 || sending.status > 299) return reject(problemOf(sending.status, sending.responseText));
      try {
        resolve(JSON.parse(sending.responseText));
      } catch {
        reject(new Problem(sending.status, 'The server’s answer could not be read.'));
      }
    });
    signal?.addEventListener('abort', () => sending.abort());
    sending.send(file);
  });
}
