// The server and its load on a core each: a process that is moved from one to the other pays for it at random.
import { spawnSync } from 'node:child_process'

const canUse = (core) => spawnSync('taskset', ['-c', String(core), 'true'], { stdio: 'ignore' }).status === 0

/** Whether this machine can do that: taskset is there, and two cores are. */
export const pins = canUse(0) && canUse(1)

/** A command, with its arguments, that runs another one where it belongs. */
export const onServerCore = pins ? ['taskset', '-c', '0'] : []
export const onLoadCore = pins ? ['taskset', '-c', '1'] : []
