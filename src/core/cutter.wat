;; The inner loop of the chunker (see cutter.ts and docs/FORMAT.md, "Chunker").
;; One shared memory: 256 gear words (u32, little-endian) at address 0, the input anywhere behind them.
;;
;; cut(at, soft, end, tight, loose) -> address just past the chunk
;;   at            first address to hash: chunk start + minimum
;;   soft          where the threshold changes: chunk start + average, at most end
;;   end           where the chunk ends at the latest
;;   tight, loose  a chunk ends where hash < threshold (unsigned), before and after soft
(module
  (import "ring" "memory" (memory 1 65536 shared))
  (func (export "cut")
    (param $at i32) (param $soft i32) (param $end i32) (param $tight i32) (param $loose i32) (result i32)
    (local $hash i32) (local $stop i32) (local $threshold i32)
    (local.set $stop (local.get $soft))
    (local.set $threshold (local.get $tight))
    (loop $phase
      (block $reached
        (loop $next
          (br_if $reached (i32.ge_u (local.get $at) (local.get $stop)))
          (local.set $hash
            (i32.add
              (i32.shl (local.get $hash) (i32.const 1))
              (i32.load (i32.shl (i32.load8_u (local.get $at)) (i32.const 2)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $next (i32.ge_u (local.get $hash) (local.get $threshold)))
          (return (local.get $at))))
      (if (i32.lt_u (local.get $at) (local.get $end))
        (then
          (local.set $stop (local.get $end))
          (local.set $threshold (local.get $loose))
          (br $phase))))
    (local.get $at)))
