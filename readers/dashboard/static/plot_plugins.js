// Owns what lies over a chart: the box beside the pointer, and marks of days on which something changed.

import { h } from "./dom.js";
import { colour } from "./theme.js";

/** A box that follows the pointer. describe(index) gives [[text, className], …], the first line in bold. */
export function tooltip(describe) {
  let box;
  return {
    hooks: {
      init: (u) => {
        box = h("div", { class: "tip", hidden: true });
        u.over.append(box);
        u.over.addEventListener("mouseleave", () => { box.hidden = true; });
      },
      setCursor: (u) => {
        const i = u.cursor.idx;
        const lines = i === null || i === undefined || u.cursor.left < 0 ? null : describe(i);
        box.hidden = !lines;
        if (!lines) return;
        box.replaceChildren(...lines.map(([text, kind]) => h("div", { class: kind ?? "" }, text)));
        const at = u.valToPos(i, "x"), half = u.over.clientWidth / 2;
        box.style.transform = `translate(${at > half ? `calc(${at}px - 100% - 10px)` : `${at + 10}px`}, 4px)`;
      },
    },
  };
}

/** A line where nothing differs. */
export function zeroLine() {
  return {
    hooks: {
      drawClear: (u) => {
        const y = u.valToPos(0, "y", true);
        if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) return;
        u.ctx.save();
        u.ctx.strokeStyle = colour("soft");
        u.ctx.lineWidth = devicePixelRatio;
        u.ctx.beginPath();
        u.ctx.moveTo(u.bbox.left, y);
        u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
        u.ctx.stroke();
        u.ctx.restore();
      },
    },
  };
}

/** A band behind the row under the pointer, or the one that the keyboard is at. */
export function highlight() {
  return {
    hooks: {
      drawClear: (u) => {
        const i = u.kept;
        if (i === null || i === undefined) return;
        const x0 = u.valToPos(i - 0.5, "x", true), x1 = u.valToPos(i + 0.5, "x", true);
        u.ctx.save();
        u.ctx.fillStyle = colour("hover");
        u.ctx.fillRect(x0, u.bbox.top, x1 - x0, u.bbox.height);
        u.ctx.restore();
      },
      setCursor: (u) => {
        const i = u.cursor.left < 0 ? null : u.cursor.idx;
        if (i === u.kept) return;
        u.kept = i;
        u.redraw(false);
      },
    },
  };
}

/** Lines and bands at marks, as `series.marksOf` gives them. */
export function markers(current) {
  return {
    hooks: {
      draw: (u) => {
        const { ctx, bbox } = u;
        ctx.save();
        for (const mark of current()) {
          const x = u.valToPos(mark.index - 0.5, "x", true);
          if (mark.kind === "gap") {
            ctx.fillStyle = colour("gap");
            ctx.fillRect(x, bbox.top, u.valToPos(mark.end + 0.5, "x", true) - x, bbox.height);
          } else if (mark.kind === "fall") drawFall(u, mark.index);
          else drawFlag(ctx, bbox, x);
        }
        ctx.restore();
      },
    },
  };
}

function drawFall(u, index) {
  const { ctx } = u, size = 4.5 * devicePixelRatio, value = u.data[1][index] ?? 0;
  const x = u.valToPos(index, "x", true), y = u.valToPos(value, "y", true) - 4 * devicePixelRatio;
  ctx.fillStyle = colour("bad");
  ctx.beginPath();
  ctx.moveTo(x - size, y - 1.7 * size);
  ctx.lineTo(x + size, y - 1.7 * size);
  ctx.lineTo(x, y);
  ctx.fill();
}

function drawFlag(ctx, bbox, x) {
  const size = 5 * devicePixelRatio;
  ctx.strokeStyle = ctx.fillStyle = colour("mark");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(x - size, bbox.top - size);
  ctx.lineTo(x + size, bbox.top - size);
  ctx.lineTo(x, bbox.top + size);
  ctx.fill();
}
