// The library as a map: near points sound alike.

import { announce } from './announcer.js';
import { api, isAborted } from './api.js';
import { ChosenPanel } from './chosen_panel.js';
import { element } from './element.js';
import { MapCanvas } from './map_canvas.js';
import { mapLegend } from './map_legend.js';
import { MapPoints } from './map_points.js';
import { pathEnds } from './path_ends.js';
import { pathPanel } from './path_panel.js';
import { writeHash } from './router.js';
import { player, queue } from './session.js';
import { empty, failure, waiting } from './state_line.js';
import { nameOf, trackOf } from './tracks.js';

const NEAR_COUNT = 8;

export const mapView = { name: 'map', place: 'map', title: 'Map', show };

const numberOf = (query, name) => (/^\d+$/.test(query.get(name) ?? '') ? Number(query.get(name)) : null);

function show(main, there, signal) {
  const canvas = new MapCanvas({
    onchoose: (index) => choose(points.ids[index], true),
    onhover: (index) => trackOf(points.ids[index]).then(nameOf, () => null),
  }, signal);
  const legend = element('div', { class: 'legend-place' });
  const state = element('div', { class: 'map-state' }, waiting('Drawing the map…'));
  const chosen = new ChosenPanel(signal);
  const path = pathPanel((ids) => showPath(ids), signal);
  main.append(
    element('h1', { class: 'visually-hidden' }, 'Map'),
    element('p', { class: 'visually-hidden', id: 'map-keys' }, 'Arrow keys move the map, plus and minus zoom, zero shows all, Enter plays the track nearest to the middle. The tracks near the chosen one are listed beside the map.'),
    element('div', { class: 'map-place' }, canvas.element, state, legend),
    element('div', { class: 'map-side' }, chosen.element, path.panel, chosen.near));

  let points = null;
  let pathIds = [];
  let chosenId = null;

  async function load() {
    try {
      const told = await api.map(signal);
      points = new MapPoints(told);
      state.replaceChildren(...(points.count ? [] : [empty('The map is empty: the library holds no tracks yet.')]));
      canvas.setPoints(points);
      canvas.singleOut(null);
      legend.replaceChildren(mapLegend(points, (rank) => canvas.singleOut(rank), signal));
      showPath(pathIds);
      choose(chosenId ?? player.track?.id ?? null, false);
    } catch (problem) {
      if (!isAborted(problem)) state.replaceChildren(failure(problem, load));
    }
  }

  /** Chooses a track; by a click it plays, too. */
  function choose(id, isPlaying) {
    chosenId = id;
    const index = id === null || !points ? -1 : points.indexOf(id);
    canvas.setChosen(index);
    if (index < 0) {
      if (id === null) chosen.clear();
      return;
    }
    const near = points.neighbours(index, NEAR_COUNT).map((i) => points.ids[i]);
    chosen.show(id, near);
    if (isPlaying) {
      const { from, to } = pathEnds.ends;
      const named = Object.entries({ track: id, from, to }).filter(([, value]) => value !== null);
      writeHash(`#/map?${new URLSearchParams(named)}`);
      trackOf(id).then((track) => {
        queue.begin([track]);
        announce(`Playing ${nameOf(track)}`);
      }, (problem) => announce(problem.message));
    }
  }

  function showPath(ids) {
    pathIds = ids;
    if (points) canvas.setPath(ids.map((id) => points.indexOf(id)));
  }

  function take({ query }) {
    pathEnds.take(numberOf(query, 'from'), numberOf(query, 'to'));
    path.show();
    const track = numberOf(query, 'track');
    if (track !== null && track !== chosenId) choose(track, false);
  }

  take(there);
  load();
  return {
    update(next) {
      take(next);
      return true;
    },
    refresh() {
      load();
      path.show(true);
    },
  };
}
