#include "envoy/splice.h"

namespace kgw::envoy {
namespace {

constexpr std::uint64_t kLengthDelimited = 2;

std::uint64_t tag(int number) { return static_cast<std::uint64_t>(number) << 3 | kLengthDelimited; }

}  // namespace

void append_varint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

void append_field_header(int number, std::size_t size, std::string& out) {
  append_varint(tag(number), out);
  append_varint(size, out);
}

void append_field(int number, std::string_view content, std::string& out) {
  append_field_header(number, content.size(), out);
  out += content;
}

std::size_t field_size(int number, std::size_t content_size) {
  return varint_size(tag(number)) + varint_size(content_size) + content_size;
}

}  // namespace kgw::envoy
