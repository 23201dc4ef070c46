/**
 * The one door to Preact and its signals: all else in this room imports them from here.
 */
export {
  batch,
  computed,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
  untracked,
  useComputed,
  useSignal,
  useSignalEffect,
} from '@preact/signals';
export type { ComponentChildren, JSX, RefObject } from 'preact';
export { Fragment, render } from 'preact';
export { useEffect, useId, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
