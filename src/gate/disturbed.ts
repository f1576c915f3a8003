/** Somebody who ends connections all the time decides what is answered: above a share nothing is concluded from it. */

import type { Undecided } from './decide.ts'

/** Of the cells that were asked; below it the second answers stand, and are said. */
const shareMax = 0.02
/** One server that restarts ends the connections of all worlds at once: that is an accident. */
const accidentsMax = 4

export function disturbedIn({ verdicts, coverage }: Undecided): string[] {
  const again = verdicts
    .filter(({ world }) => world.variant !== 'as-written')
    .flatMap(({ cells }) => cells.filter(({ askedAgain }) => askedAgain === true)).length
  return again <= Math.max(accidentsMax, coverage.cellsAsked * shareMax)
    ? []
    : [
        `Connections ended under ${again} of ${coverage.cellsAsked} cells, which had to be asked again ` +
          `(at most ${shareMax * 100} %)`,
      ]
}
