// Puts the page together.

import { tendDrops } from './drop.js';
import { mapView } from './map_view.js';
import { mixView } from './mix_view.js';
import { showPlayerBar } from './player_bar.js';
import { showQueuePanel } from './queue_panel.js';
import { Router } from './router.js';
import { tendSearchBox } from './search_box.js';
import { searchView } from './search_view.js';
import { mix, queue } from './session.js';
import { followStatus } from './status.js';
import { trackView } from './track_view.js';
import { uploadView } from './upload_view.js';

const main = document.getElementById('main');
const router = new Router({ library: searchView, search: searchView, track: trackView, map: mapView, mix: mixView, upload: uploadView }, main);

showPlayerBar(document.getElementById('player'));
showQueuePanel(document.getElementById('queue'));
queue.restore();

const mixLink = document.getElementById('mix-link');
function showMixLink() {
  mixLink.textContent = mix.seeds.length ? `Mix (${mix.seeds.length})` : 'Mix';
  mixLink.href = mix.hash;
}
mix.addEventListener('change', showMixLink);
showMixLink();

// The hash is the router's, so the usual jump to a fragment is made by hand.
document.getElementById('skip-link').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

tendSearchBox();
tendDrops();
router.start();
followStatus(() => router.refresh());
