#include "api/yaml_writer.h"

#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/text.h"

namespace kgw {
namespace {

// True if the text, written bare, would be read back as the same string by YAML 1.1 and 1.2
// readers.
bool plain_is_safe(const std::string& text) {
  static const RE2* safe =
      new RE2("[A-Za-z_/][-A-Za-z0-9_./@+~=()*%]*( [-A-Za-z0-9_./@+~=()*%]+)*");
  static const RE2* reserved =
      new RE2("(?i)(true|false|yes|no|on|off|y|n|null|~|\\.inf|\\.nan|0x[0-9a-f]*)");
  return RE2::FullMatch(text, *safe) && !RE2::FullMatch(text, *reserved);
}

// Several lines that can stand as they are below a "|".
bool block_is_safe(const std::string& text) {
  if (text.size() < 2 || text.back() != '\n' || text.front() == ' ' || text.front() == '\n')
    return false;
  const auto plain = [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); };
  return std::ranges::all_of(text, plain) && text[text.size() - 2] != '\n' &&
         text.find(" \n") == std::string::npos;
}

template <class Json>
class Writer {
 public:
  std::string document(const Json& value) && {
    if (value.is_structured() && !value.empty()) {
      below(value, 0);
    } else {
      out_ = scalar(value) + "\n";
    }
    return std::move(out_);
  }

 private:
  static std::string scalar(const Json& value) {
    if (!value.is_string()) return value.dump();
    const std::string& text = value.template get_ref<const std::string&>();
    if (plain_is_safe(text)) return text;
    // What JSON allows in a string and YAML does not is escaped with all else that does not show.
    return show_all(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  void indented(std::size_t indent) { out_.append(indent, ' '); }

  // What stands behind "key:" or "-".
  void value(const Json& value, std::size_t indent) {
    if (value.is_structured() && !value.empty()) {
      out_ += '\n';
      below(value, indent);
    } else if (value.is_string() && block_is_safe(value.template get_ref<const std::string&>())) {
      block(value.template get_ref<const std::string&>(), indent);
    } else {
      out_ += ' ' + scalar(value) + '\n';
    }
  }

  void block(const std::string& text, std::size_t indent) {
    out_ += " |\n";
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      if (end > begin) {
        indented(indent);
        out_.append(text, begin, end - begin);
      }
      out_ += '\n';
      begin = end + 1;
    }
  }

  // The first member follows what is on the line already.
  void members(const Json& object, std::size_t indent) {
    bool first = true;
    for (const auto& [key, member] : object.items()) {
      if (!first) indented(indent);
      first = false;
      out_ += scalar(Json(key)) + ":";
      // Lists stand at the indent of their key, as Kubernetes writes them.
      value(member, member.is_array() ? indent : indent + 2);
    }
  }

  void below(const Json& value, std::size_t indent) {
    if (value.is_object()) {
      indented(indent);
      members(value, indent);
      return;
    }
    for (const Json& item : value) {
      indented(indent);
      out_ += '-';
      if (item.is_object() && !item.empty()) {
        out_ += ' ';
        members(item, indent + 2);
      } else {
        this->value(item, indent + 2);
      }
    }
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const nlohmann::json& value) {
  return Writer<nlohmann::json>().document(value);
}

std::string to_yaml(const nlohmann::ordered_json& value) {
  return Writer<nlohmann::ordered_json>().document(value);
}

}  // namespace kgw
