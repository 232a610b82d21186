// The run folder: found or made, held by one run at a time, filled with whole files only.
#pragma once

#include <string>
#include <string_view>

namespace cairn {

class RunFolder {
 public:
  // `out` empty: runs/<date>-<name>-<n>, the first n that is free. UsageError: `out` already holds a run
  // (unless `overwrite`), or another process is writing into it. FileError: it cannot be made or written.
  RunFolder(const std::string& out, const std::string& name, bool overwrite);
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder();

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + '/' + std::string(name); }
  void log(std::string_view json_line);  // one line an event, in log.jsonl
  void finish();  // lets the folder go; `runs/last` links it when it stands under runs/

 private:
  void take_lock(const std::string& shown);
  std::string path_;
  int lock_ = -1, log_ = -1;
};

}  // namespace cairn
