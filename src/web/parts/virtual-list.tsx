/**
 * A list of any length of which only the rows in sight are in the document. One row has the focus, and keys move it; that
 * row stays in the document when it is scrolled away, so that the focus is not lost. Every row has the same height.
 */
import {
  type ComponentChildren,
  type JSX,
  type RefObject,
  type Signal,
  useLayoutEffect,
  useRef,
  useSignal,
} from '../preact.js';
import { rowsInSight, stepOf } from '../text/row-window.js';

export interface VirtualListProps<T> {
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly rowHeight: number;
  /** Its cells; the row around them is made here. */
  readonly row: (item: T) => ComponentChildren;
  readonly isSelected?: (item: T) => boolean;
  readonly onOpen?: (item: T) => void;
  readonly label: string;
}

export function VirtualList<T>(props: VirtualListProps<T>): JSX.Element {
  const { items, rowHeight, label } = props;
  const box = useRef<HTMLDivElement>(null);
  const active = useSignal(0);
  const { top, height } = useSight(box);
  const count = items.length;
  const activeIndex = Math.min(active.value, Math.max(0, count - 1));
  const move = (index: number): void => {
    active.value = index;
    bringIntoSight(box.current, index, rowHeight);
    // After the row is there.
    requestAnimationFrame(() =>
      box.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus({ preventScroll: true }),
    );
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = stepOf(event.key, activeIndex, count, Math.max(1, Math.floor(height.value / rowHeight) - 1));
    const isOnRow = (event.target as HTMLElement).dataset.index !== undefined;
    if (step === undefined || !isOnRow) return;
    event.preventDefault();
    move(step);
  };
  return (
    <div class="virtual" ref={box} role="rowgroup" aria-label={label} onKeyDown={onKeyDown}>
      <div class="virtual-space" role="presentation" style={{ height: `${count * rowHeight}px` }}>
        {rowsInSight({ top: top.value, height: height.value, rowHeight, count, active: activeIndex }).map(
          (index) => (
            <VirtualRow
              key={props.keyOf(items[index] as T)}
              list={props}
              index={index}
              active={active}
              isActive={index === activeIndex}
            />
          ),
        )}
      </div>
    </div>
  );
}

interface VirtualRowProps<T> {
  readonly list: VirtualListProps<T>;
  readonly index: number;
  readonly active: Signal<number>;
  readonly isActive: boolean;
}

function VirtualRow<T>({ list, index, active, isActive }: VirtualRowProps<T>): JSX.Element {
  const item = list.items[index] as T;
  const { onOpen, rowHeight } = list;
  const open = (): void => onOpen?.(item);
  return (
    <div
      class="row"
      role="row"
      data-index={index}
      // The header is the first row.
      aria-rowindex={index + 2}
      aria-selected={list.isSelected?.(item) ?? false}
      tabIndex={isActive ? 0 : -1}
      style={{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
      onFocus={() => {
        active.value = index;
      }}
      onClick={open}
      onKeyDown={(event) => {
        const isOnRow = event.target === event.currentTarget;
        if (!isOnRow || (event.key !== 'Enter' && event.key !== ' ')) return;
        event.preventDefault();
        open();
      }}
    >
      {list.row(item)}
    </div>
  );
}

function useSight(box: RefObject<HTMLDivElement | null>): { top: Signal<number>; height: Signal<number> } {
  const top = useSignal(0);
  const height = useSignal(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const look = (): void => {
      top.value = element.scrollTop;
      height.value = element.clientHeight;
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  return { top, height };
}

function bringIntoSight(box: HTMLElement | null, index: number, rowHeight: number): void {
  if (box === null) return;
  const top = index * rowHeight;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + rowHeight > box.scrollTop + box.clientHeight)
    box.scrollTop = top + rowHeight - box.clientHeight;
}
