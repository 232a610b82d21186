// The run folder: found or made, held by one run at a time, filled with whole files only.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "cairn/base/json.h"

namespace cairn {

class RunFolder {
 public:
  // `out` empty: runs/<date>-<name>-<n>, the first n that is free. UsageError: `out` already holds a run
  // (unless `overwrite`), or another process is writing into it. FileError: it cannot be made or written.
  // `resumed`: what a stopped run has logged and recorded there stays.
  RunFolder(const std::string& out, const std::string& name, bool overwrite, bool resumed = false);
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder();

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + '/' + std::string(name); }
  // One line, in log.jsonl. An epoch, round or candidate that a stopped run has told is not told again: it
  // came out the same.
  void event(const Json& event);
  void remove(std::string_view name) const;  // a file or folder that need not be there
  void finish();  // lets the folder go; `runs/last` links it when it stands under runs/

 private:
  void take_lock(const std::string& shown);
  void go_on_with_log();
  void remove_recordings() const;
  std::string path_;
  std::set<std::string> told_;
  int lock_ = -1, log_ = -1;
};

}  // namespace cairn
