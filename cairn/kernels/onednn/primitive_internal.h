// Private to kernels/onednn/: running a primitive, what it reads when that must be arranged or rounded first,
// and the primitives that were made before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/kernels/onednn/onednn_internal.h"
#include "cairn/tensor/tensor.h"

namespace cairn::onednn {

// Memory from the library's own cache of blocks.
struct Buffer {
  explicit Buffer(std::size_t bytes) : storage(bytes ? Storage::allocate(bytes) : nullptr) {}
  void* data() const { return storage ? storage->data() : nullptr; }
  std::shared_ptr<Storage> storage;
};

inline dnnl::memory memory_at(const Desc& desc, const void* data) {
  return {desc, engine(), const_cast<void*>(data)};
}

using Arguments = std::unordered_map<int, dnnl::memory>;
inline void execute(const dnnl::primitive& primitive, Arguments arguments, const Desc& scratchpad) {
  const OneThread one_thread;
  const Buffer space(scratchpad.get_size());
  if (space.data()) arguments.emplace(DNNL_ARG_SCRATCHPAD, memory_at(scratchpad, space.data()));
  primitive.execute(stream(), arguments);
  stream().wait();
}

// From how numbers lie in one place to how they lie in another, or in another element type.
class Move {
 public:
  Move() = default;
  Move(const Desc& from, const Desc& to) : from_(from), to_(to), needed_(from != to) {
    if (!needed_) return;
    const dnnl::reorder::primitive_desc desc(engine(), from, engine(), to, attributes(false));
    reorder_ = dnnl::reorder(desc);
    scratchpad_ = desc.scratchpad_desc();
  }
  bool needed() const { return needed_; }
  void run(const void* from, void* to) const {
    execute(reorder_, {{DNNL_ARG_FROM, memory_at(from_, from)}, {DNNL_ARG_TO, memory_at(to_, to)}},
            scratchpad_);
  }
  // Where the moved numbers lie: in `space`, or where they were.
  const void* moved(const void* from, Buffer& space) const {
    if (!needed_) return from;
    if (!space.data()) space = Buffer(to_.get_size());
    run(from, space.data());
    return space.data();
  }

 private:
  Desc from_, to_;
  dnnl::primitive reorder_;
  Desc scratchpad_;
  bool needed_ = false;
};

// What was prepared once, by all that it depends on.
template <class Prepared>
class Cache {
 public:
  // Null: oneDNN has nothing for it.
  template <class Make>
  std::shared_ptr<const Prepared> find(const std::vector<std::int64_t>& key, Make&& make) {
    const std::lock_guard lock(guard_);
    if (const auto at = made_.find(key); at != made_.end()) return at->second;
    if (made_.size() >= kMost) made_.clear();
    std::shared_ptr<const Prepared> p;
    try {
      const OneThread one_thread;
      p = std::make_shared<const Prepared>(make());
    } catch (const dnnl::error&) {
      p = nullptr;  // unimplemented; the next kernel of the row takes it
    }
    made_.emplace(key, p);
    return p;
  }

 private:
  static constexpr std::size_t kMost = 512;  // nets have tens; shapes that change for ever do not fill memory
  std::mutex guard_;
  std::map<std::vector<std::int64_t>, std::shared_ptr<const Prepared>> made_;
};

inline const float* floats(const Tensor& t) { return reinterpret_cast<const float*>(t.raw()); }
inline float* floats_of(const Tensor& t) { return reinterpret_cast<float*>(const_cast<std::byte*>(t.raw())); }

// Work that is cut into parts of one size and what is left over, by how many images or rows a part has: what
// runs the whole ones, and what runs the last.
template <class Prepared>
struct Parts {
  std::int64_t count, part;
  std::shared_ptr<const Prepared> whole, rest;

  template <class Prepare>  // of a number of images or rows
  Parts(std::int64_t all, std::int64_t of_part, Prepare&& prepare)
      : count(all), part(of_part), whole(prepare(part)), rest(all % part ? prepare(all % part) : whole) {}

  // Weights are arranged once, for all parts: they must lie alike in both.
  bool usable(Desc Prepared::* weights) const {
    return whole && rest && (*rest).*weights == (*whole).*weights;
  }
  // f(prepared, first image or row, how many) for each part, on several threads.
  template <class F>
  void run(F&& f) const {
    parallel_for(count, part, [&](std::int64_t begin, std::int64_t end) {
      f(end - begin == part ? *whole : *rest, begin, end - begin);
    });
  }
};

}  // namespace cairn::onednn
