#include "api/yaml_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "api/document_internal.h"

namespace kgw {
namespace {

using Json = nlohmann::json;

// True for a text that needs no quotes: harmless characters, and not read as anything but a string.
bool is_plain(std::string_view text) {
  if (text.empty() || text.back() == ':') return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto harmless = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
  };
  const char first = text[0];
  if (!letter(first) && first != '/' && !(first >= '0' && first <= '9')) return false;
  if (!std::ranges::all_of(text, harmless)) return false;
  const auto read = doc::internal::resolve_scalar(text, "", 0);
  return read && read->is_string();
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return value.dump();
  const std::string& text = value.get_ref<const std::string&>();
  if (is_plain(text)) return text;
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void write(std::string& out, const Json& value, std::size_t indent);

// A value after "key:" or "-".
void write_below(std::string& out, const Json& value, std::size_t indent) {
  const bool nested = value.is_structured() && !value.empty();
  if (!nested) {
    out += ' ';
    out += value.is_structured() ? value.dump() : scalar(value);
    out += '\n';
    return;
  }
  out += '\n';
  write(out, value, indent);
}

void write(std::string& out, const Json& value, std::size_t indent) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, member] : value.items()) {
      out.append(indent, ' ');
      out += scalar(key) + ":";
      // Lists stand at the indent of their key, as Kubernetes writes them.
      write_below(out, member, member.is_array() ? indent : indent + 2);
    }
  } else if (value.is_array() && !value.empty()) {
    for (const Json& item : value) {
      out.append(indent, ' ');
      out += '-';
      if (item.is_object() && !item.empty()) {
        std::string block;
        write(block, item, indent + 2);
        out += ' ';
        out += std::string_view(block).substr(indent + 2);
      } else {
        write_below(out, item, indent + 2);
      }
    }
  } else {
    out.append(indent, ' ');
    out += value.is_structured() ? value.dump() : scalar(value);
    out += '\n';
  }
}

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  write(out, value, 0);
  return out;
}

}  // namespace kgw
