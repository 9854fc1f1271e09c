// Helpers for the tests of this folder: a temporary directory to scribble in, and a recorder that
// plays the core: it applies batches and lets a test wait for what it expects to see.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "api/core.h"
#include "source/files/files_source.h"

namespace kgw::source::testing {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kgw-files-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  std::string str() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// As editors and kubectl do it.
inline void replace_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path temporary = path.parent_path() / ("." + path.filename().string());
  write_file(temporary, text);
  std::filesystem::rename(temporary, path);
}

// A document defining ConfigMap default/NAME with data {value: VALUE}.
inline std::string config_map(std::string_view name, std::string_view value) {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + std::string(name) +
         "\ndata:\n  value: \"" + std::string(value) + "\"\n";
}

// "name=value" of each object, in order.
using State = std::vector<std::string>;

class Recorder {
 public:
  void apply(const Batch& batch) {
    const std::lock_guard lock(mutex_);
    for (const ObjectEvent& event : batch.events) {
      if (event.object == nullptr) {
        objects_.erase(event.ref);
      } else {
        objects_[event.ref] = event.object;
      }
    }
    for (const Problems& problems : batch.problems) {
      if (problems.diagnostics.empty()) {
        problems_.erase(problems.place);
      } else {
        problems_[problems.place] = problems.diagnostics;
      }
    }
    if (batch.synced) synced_ = true;
    batches_.push_back(batch);
    changed_.notify_all();
  }
  Sink sink() {
    return [this](Batch batch) { apply(batch); };
  }

  bool await(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), condition);
  }
  bool await_synced() {
    return await([this] { return synced_; });
  }
  // Waits for exactly these objects; returns what there is then.
  State await_state(const State& expected) {
    await([&] { return state_locked() == expected; });
    return state();
  }
  // Waits until the problems of `place` are exactly these reasons; returns what there is then.
  std::vector<std::string> await_problems(const std::string& place,
                                          const std::vector<std::string>& reasons) {
    await([&] { return reasons_locked(place) == reasons; });
    const std::lock_guard lock(mutex_);
    return reasons_locked(place);
  }

  State state() {
    const std::lock_guard lock(mutex_);
    return state_locked();
  }
  Diagnostics problems(const std::string& place) {
    const std::lock_guard lock(mutex_);
    const auto found = problems_.find(place);
    return found == problems_.end() ? Diagnostics{} : found->second;
  }
  std::vector<Batch> take_batches() {
    const std::lock_guard lock(mutex_);
    return std::exchange(batches_, {});
  }

 private:
  State state_locked() const {
    State state;
    for (const auto& [ref, object] : objects_) {
      std::string text = ref.name().str();
      if (ref.kind == Kind::kConfigMap) {
        const StringMap& data = static_cast<const ConfigMap&>(*object).data;
        if (const auto value = data.find("value"); value != data.end()) text += "=" + value->second;
      }
      state.push_back(std::move(text));
    }
    return state;
  }
  std::vector<std::string> reasons_locked(const std::string& place) const {
    std::vector<std::string> reasons;
    if (const auto found = problems_.find(place); found != problems_.end()) {
      for (const Diagnostic& diagnostic : found->second) reasons.push_back(diagnostic.reason);
    }
    return reasons;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<ObjectRef, std::shared_ptr<const Object>> objects_;
  std::map<std::string, Diagnostics> problems_;
  std::vector<Batch> batches_;
  bool synced_ = false;
};

}  // namespace kgw::source::testing
