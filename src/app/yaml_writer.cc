#include "app/yaml_writer.h"

#include <re2/re2.h>

namespace kgw::app {
namespace {

using Json = nlohmann::ordered_json;

// True if the text, written bare, would be read back as the same string by YAML 1.1 and 1.2
// readers.
bool plain_is_safe(const std::string& text) {
  static const RE2* safe =
      new RE2("[A-Za-z_/][-A-Za-z0-9_./@+~=()*%]*( [-A-Za-z0-9_./@+~=()*%]+)*");
  static const RE2* reserved =
      new RE2("(?i)(true|false|yes|no|on|off|y|n|null|~|\\.inf|\\.nan|0x[0-9a-f]*)");
  return RE2::FullMatch(text, *safe) && !RE2::FullMatch(text, *reserved);
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return value.dump();
  const std::string& text = value.get_ref<const std::string&>();
  return plain_is_safe(text) ? text : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_block_text(const Json& value) {
  if (!value.is_string()) return false;
  const std::string& text = value.get_ref<const std::string&>();
  if (text.size() < 2 || text.back() != '\n' || text.front() == ' ' || text.front() == '\n')
    return false;
  for (const char c : text) {
    if (c != '\n' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) return false;
  }
  return text[text.size() - 2] != '\n' && text.find(" \n") == std::string::npos;
}

void write(const Json& value, std::size_t indent, std::string& out);

void write_block_text(const std::string& text, std::size_t indent, std::string& out) {
  out += " |\n";
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end > begin) out += std::string(indent, ' ') + text.substr(begin, end - begin);
    out += '\n';
    begin = end + 1;
  }
}

// What stands behind "key:" or "-".
void write_value(const Json& value, std::size_t indent, std::string& out) {
  if ((value.is_object() || value.is_array()) && !value.empty()) {
    out += '\n';
    write(value, indent, out);
  } else if (is_block_text(value)) {
    write_block_text(value.get_ref<const std::string&>(), indent, out);
  } else {
    out += ' ' + scalar(value) + '\n';
  }
}

void write_object(const Json& object, std::size_t indent, std::string& out) {
  bool first = true;
  for (const auto& [key, value] : object.items()) {
    if (!first) out += std::string(indent, ' ');
    first = false;
    out += (plain_is_safe(key) ? key : Json(key).dump()) + ":";
    write_value(value, value.is_array() ? indent : indent + 2, out);
  }
}

void write(const Json& value, std::size_t indent, std::string& out) {
  if (value.is_object()) {
    out += std::string(indent, ' ');
    write_object(value, indent, out);
    return;
  }
  for (const Json& item : value) {
    out += std::string(indent, ' ') + "-";
    if (item.is_object() && !item.empty()) {
      out += ' ';
      write_object(item, indent + 2, out);
    } else {
      write_value(item, indent + 2, out);
    }
  }
}

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  if ((value.is_object() || value.is_array()) && !value.empty()) {
    write(value, 0, out);
  } else {
    out = scalar(value) + "\n";
  }
  return out;
}

}  // namespace kgw::app
