#include "engine/cell.h"

#include <algorithm>
#include <new>

namespace kgw::engine {

namespace detail {

PointerBlock* PointerBlock::make(uint32_t capacity) {
  void* memory = ::operator new(sizeof(PointerBlock) + capacity * sizeof(Source*));
  return new (memory) PointerBlock{.size = 0, .capacity = capacity};
}

void PointerBlock::free(PointerBlock* block) { ::operator delete(block); }

}  // namespace detail

using detail::PointerBlock;

size_t ReaderSet::size() const {
  switch (bits_ & kTagMask) {
    case kOne:
      return bits_ == 0 ? 0 : 1;
    case kFew:
      return few()->size;
    default:
      return many()->size();
  }
}

void ReaderSet::add(Source* reader) {
  const auto word = [](auto* pointer) { return reinterpret_cast<uintptr_t>(pointer); };
  if (bits_ == 0) {
    bits_ = word(reader);
    return;
  }
  if ((bits_ & kTagMask) == kMany) {
    many()->insert(reader);
    return;
  }
  if ((bits_ & kTagMask) == kOne) {
    PointerBlock* block = PointerBlock::make(2);
    block->data()[block->size++] = reinterpret_cast<Source*>(bits_);
    bits_ = word(block) | kFew;
  }
  PointerBlock* block = few();
  if (block->size == kFewMax) {
    auto* set = new Many(block->data(), block->data() + block->size);
    set->insert(reader);
    PointerBlock::free(block);
    bits_ = word(set) | kMany;
    return;
  }
  if (block->size == block->capacity) {
    PointerBlock* wider = PointerBlock::make(block->capacity + block->capacity / 2);
    std::copy_n(block->data(), block->size, wider->data());
    wider->size = block->size;
    PointerBlock::free(block);
    bits_ = word(wider) | kFew;
    block = wider;
  }
  block->data()[block->size++] = reader;
}

void ReaderSet::remove(Source* reader) {
  switch (bits_ & kTagMask) {
    case kOne:
      bits_ = 0;
      return;
    case kFew: {
      PointerBlock* block = few();
      Source** last = block->data() + block->size - 1;
      *std::find(block->data(), last, reader) = *last;
      if (--block->size == 0) clear();
      return;
    }
    default:
      many()->erase(reader);
      if (many()->empty()) clear();
  }
}

void ReaderSet::clear() {
  if ((bits_ & kTagMask) == kFew) PointerBlock::free(few());
  if ((bits_ & kTagMask) == kMany) delete many();
  bits_ = 0;
}

void ReadList::assign(std::span<Source* const> reads) {
  const auto count = static_cast<uint32_t>(reads.size());
  if (is_block() && block()->capacity != count) {
    PointerBlock::free(block());
    word_ = nullptr;
  }
  if (count < 2) {
    word_ = count == 0 ? nullptr : reads.front();
    return;
  }
  if (!is_block()) {
    word_ =
        reinterpret_cast<Source*>(reinterpret_cast<uintptr_t>(PointerBlock::make(count)) | kBlock);
  }
  std::copy(reads.begin(), reads.end(), block()->data());
  block()->size = count;
}

}  // namespace kgw::engine
