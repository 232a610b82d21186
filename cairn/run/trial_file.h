// trials.jsonl: the trials of a search, one line each, written when it is made.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cairn/model/trial.h"

namespace cairn {

// The first line says what the trials are of (`key`: data, build, options); a file of something else is begun
// anew. A last line that was cut off is dropped. FileError: it cannot be read or written.
class TrialFile : public TrialJournal {
 public:
  TrialFile(std::string path, const std::string& key);
  TrialFile(const TrialFile&) = delete;
  TrialFile& operator=(const TrialFile&) = delete;
  ~TrialFile() override;
  bool recall(Trial& trial) const override;
  void keep(const Trial& trial) override;
  std::size_t size() const { return kept_.size(); }

 private:
  void write_line(const std::string& line);
  std::string path_;
  std::vector<Trial> kept_;
  int descriptor_ = -1;
};

}  // namespace cairn
