// Dropping a file anywhere on the page.

import { notice } from './announcer.js';
import { sendFile } from './upload_view.js';

export function tendDrops() {
  const veil = document.getElementById('drop');
  const bringsFile = (event) => event.dataTransfer?.types.includes('Files');
  // Entering a child leaves its parent: only the count tells whether the pointer is still over the page.
  let depth = 0;
  const setDepth = (next) => {
    depth = Math.max(0, next);
    veil.hidden = depth === 0;
  };
  window.addEventListener('dragenter', (event) => bringsFile(event) && setDepth(depth + 1));
  window.addEventListener('dragleave', (event) => bringsFile(event) && setDepth(depth - 1));
  window.addEventListener('dragover', (event) => bringsFile(event) && event.preventDefault());
  window.addEventListener('drop', (event) => {
    if (!bringsFile(event)) return;
    event.preventDefault();
    setDepth(0);
    const [file, another] = event.dataTransfer.files;
    if (another) notice('One file at a time: the first was taken.');
    if (file) sendFile(file);
  });
}
